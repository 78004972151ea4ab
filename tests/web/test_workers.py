"""Who does the work, and who used how much of it."""

import re

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import update

from store import workers
from store.session import Database
from store.tables import Worker
from tests.web.bench import Bench
from tests.web.browser import Api, Visit, visiting

pytestmark = [pytest.mark.system, pytest.mark.needs("chromium")]


def grow_old(database: Database, age_s: float) -> None:
    """Let the worker's last heartbeat be so long ago."""
    with database.write() as session:
        session.execute(update(Worker).values(seen_at=Worker.seen_at - age_s))


def test_a_worker_shows_what_it_is_and_how_far_its_job_is(visit: Visit, bench: Bench) -> None:
    job = bench.job("long")
    claim = bench.start()
    bench.step(claim, 10, train_loss=1.0, steps_per_s=0.5)
    with bench.database.write() as session:
        use = [workers.DeviceUse("cpu", utilization=0.75)]
        workers.beat(session, bench.worker, "busy", memory_used_bytes=1 << 31, device_use=use)
    bench.job("wide", seed=1, resources={"devices": 4})
    page = visit.open("/workers")
    expect(page.locator("h1")).to_have_text("1 worker, busy")
    slot = page.get_by_role("listitem").filter(has_text="bench-1")
    expect(slot).to_contain_text("2 GiB of 8 GiB")
    expect(slot).to_contain_text("4711 on bench")
    expect(slot).to_contain_text("torch 2.0")
    expect(slot).to_contain_text("75\u202f%")
    expect(slot).to_contain_text("step 10 of 40, 1 min 00 s left")
    expect(slot.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "25")
    expect(page.locator(".banner")).to_contain_text("1 job waits for: a worker that owns 4 devices")
    slot.get_by_role("link", name="long").click()
    expect(page).to_have_url(re.compile(f"/jobs/{job}$"))


def test_late_and_lost_workers_are_marked(visit: Visit, bench: Bench) -> None:
    grow_old(bench.database, 20)
    page = visit.open("/workers")
    slot = page.get_by_role("listitem").filter(has_text="bench-1")
    expect(slot.locator(".badge")).to_have_text("late")
    expect(slot).to_contain_text("heartbeat is late")
    grow_old(bench.database, 100)
    page.reload()
    expect(slot.locator(".badge")).to_have_text("lost")
    expect(page.locator("h1")).to_have_text("1 worker, lost")


def test_a_worker_appears_by_itself(fresh_database_url: str, browser: Browser) -> None:
    database, api = Database(fresh_database_url), Api(fresh_database_url).start()
    try:
        with visiting(browser, api.url) as visit:
            page = visit.open("/queue")
            expect(page.get_by_role("region", name="Workers")).to_contain_text("nothing will start")
            page.get_by_role("link", name="Workers", exact=True).click()
            expect(page.locator("h1")).to_have_text("No worker is here")
            expect(page.get_by_label("Command for a further worker")).to_have_text("colrow worker")
            expect(page.locator(".live")).to_have_text("Live")
            Bench(database, api)
            expect(page.locator("h1")).to_have_text("1 worker, idle", timeout=15_000)
            expect(page.locator(".slot")).to_contain_text("Waits for a job that it can run")
    finally:
        api.stop()
        database.close()


def test_what_each_user_used_and_saved_is_summed_up(look: Visit) -> None:
    page = look.open("/workers")
    row = page.get_by_role("region", name="Who used what").first.get_by_role("row").nth(1)
    expect(row).to_contain_text("local")
    expect(row).to_contain_text("21")
    expect(row).to_contain_text("11.3\u202fk · 53.6\u202f%")
    page.get_by_role("radio", name="7 days").check()
    expect(page).to_have_url(re.compile("since=7"))
    expect(row).to_contain_text("local")
