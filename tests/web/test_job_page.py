"""A job's page: its log as it flows, its files, whom it tells, and who may change it."""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from crs_core.events import CheckpointSaved
from store import deliveries, jobs, place
from store.files import Folder
from store.session import Database
from tests.web.bench import Bench, Lab
from tests.web.browser import Api, Visit, sign_in, visiting

pytestmark = [pytest.mark.system, pytest.mark.needs("chromium")]


def lines(first: int, last: int) -> str:
    return "".join(f"line {n:05} of what it had to say\n" for n in range(first, last))


def scroll(page: Page) -> list[int]:
    found: list[int] = page.locator("pre.log").evaluate(
        "at => [at.scrollTop, at.scrollHeight - at.clientHeight]"
    )
    return found


def test_the_log_reads_on_from_where_it_ended(visit: Visit, bench: Bench) -> None:
    job = bench.job("talks")
    claim = bench.start()
    bench.record(claim, [], log=lines(0, 100))
    asked: list[str] = []
    visit.page.on("request", lambda one: asked.append(one.url) if "/log" in one.url else None)
    page = visit.open(f"/jobs/{job}")
    log = page.locator("pre.log")
    expect(log).to_contain_text("line 00099")
    expect(page.locator(".live")).to_have_text("Live")
    asked.clear()
    bench.record(claim, [], log=lines(100, 101))
    bench.step(claim, 1, train_loss=1.0)
    expect(log).to_contain_text("line 00100")
    assert asked
    assert all(f"start={len(lines(0, 100))}" in url for url in asked[:1])
    top, end = scroll(page)
    assert top >= end - 1  # the newest line stays in sight


def test_the_log_stays_where_one_reads_until_told_to_follow(visit: Visit, bench: Bench) -> None:
    job = bench.job("talks")
    claim = bench.start()
    bench.record(claim, [], log=lines(0, 100))
    page = visit.open(f"/jobs/{job}")
    log = page.locator("pre.log")
    follow = page.get_by_label("Follow")
    expect(follow).to_be_checked()
    expect(page.locator(".live")).to_have_text("Live")
    log.evaluate("at => at.scrollTo(0, 120)")
    expect(follow).not_to_be_checked()
    bench.record(claim, [], log=lines(100, 130))
    bench.step(claim, 1, train_loss=1.0)
    expect(log).to_contain_text("line 00129")
    assert scroll(page)[0] == 120
    follow.check()
    top, end = scroll(page)
    assert top >= end - 1
    log.evaluate("at => at.scrollTo(0, 0)")
    expect(follow).not_to_be_checked()
    log.evaluate("at => at.scrollTo(0, at.scrollHeight)")
    expect(follow).to_be_checked()


def test_older_lines_are_read_on_demand_and_all_of_them_downloaded(
    visit: Visit, bench: Bench
) -> None:
    job = bench.job("talks much")
    claim = bench.start()
    whole = lines(0, 4000)
    bench.record(claim, [], log=whole)
    page = visit.open(f"/jobs/{job}")
    log = page.locator("pre.log")
    expect(log).to_contain_text("line 03999")
    assert len(log.inner_text()) < len(whole)
    expect(page.locator(".log-more")).to_contain_text("characters before these")
    older = page.get_by_role("button", name="Show older lines")
    older.click()
    expect(log).to_contain_text("line 01000")
    assert scroll(page)[0] > 0  # the lines that were read stay in sight
    expect(page.get_by_label("Follow")).not_to_be_checked()
    older.click()
    expect(page.locator(".log-more")).to_have_count(0)
    assert log.evaluate("at => at.textContent") == whole
    with page.expect_download() as begun:
        page.get_by_role("region", name="Log").get_by_role("button", name="Download").click()
    assert begun.value.suggested_filename == f"talks-much-{job}.log"
    assert Path(begun.value.path()).read_text() == whole


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def stored(fresh_database_url: str, home: Path) -> Iterator[Bench]:
    """A service that reaches the files of jobs."""
    home.mkdir()
    database = Database(fresh_database_url)
    place.settle(database, Folder(home, is_home=True))
    api = Api(fresh_database_url, COLROW_HOME=str(home)).start()
    yield Bench(database, api)
    api.stop()
    database.close()


def test_checkpoints_are_listed_and_downloaded(stored: Bench, home: Path, browser: Browser) -> None:
    job = stored.job("saves")
    claim = stored.start()
    content = b"weights " * 500
    for step in (10, 20):
        file = home / f"jobs/{job}/a1/step-{step}.pt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        saved = CheckpointSaved(
            step=step, name=file.name, size_bytes=len(content),
            sha256=hashlib.sha256(content).hexdigest(), best=step == 10,
        )  # fmt: skip
        stored.record(claim, [saved])
    with visiting(browser, stored.api.url) as visit:
        page = visit.open(f"/jobs/{job}")
        rows = page.get_by_role("region", name="Checkpoints").get_by_role("row")
        expect(rows).to_have_count(3)
        expect(rows.nth(1)).to_contain_text("latest")
        expect(rows.nth(1)).to_contain_text("3.91 KiB")
        expect(rows.nth(2)).to_contain_text("best validation")
        with page.expect_download() as begun:
            rows.nth(1).get_by_role("link", name="Download step-20.pt").click()
        assert begun.value.suggested_filename == f"{job}-a1-step-20.pt"
        assert Path(begun.value.path()).read_bytes() == content


def test_webhooks_are_added_told_of_and_removed(visit: Visit, bench: Bench) -> None:
    visit.may_fail = True
    job = bench.job("tells")
    page = visit.open(f"/jobs/{job}")
    section = page.get_by_role("region", name="Webhooks")
    expect(section).to_contain_text("Nobody is told")
    address = section.get_by_label("Tell this address when the job ends")
    address.fill("http://127.0.0.1/hook")
    section.get_by_role("button", name="Add").click()
    expect(section.get_by_role("alert")).to_contain_text("127.0.0.1")
    expect(address).to_have_value("http://127.0.0.1/hook")
    address.fill("https://hooks.example/colrow/secret-place")
    section.get_by_role("button", name="Add").click()
    expect(section.get_by_role("status")).to_contain_text("Shown this once")
    secret = section.get_by_label(re.compile("signed with this secret")).input_value()
    assert len(secret) >= 16
    section.get_by_role("button", name="Done").click()
    row = section.get_by_role("row").filter(has_text="hooks.example")
    expect(row).to_contain_text("none yet; one is sent when the job ends")
    assert "secret-place" not in row.inner_text()
    bench.finish(bench.start())
    with bench.database.write() as session:
        sending = deliveries.claim(session)
        assert sending is not None
        deliveries.settle(session, sending, "given_up", status=503, error="it answered 503")
    page.reload()
    expect(row).to_contain_text("given up")
    expect(row).to_contain_text("1 try · it answered 503")
    row.get_by_role("button", name="Remove").click()
    expect(row.get_by_role("button", name="Keep")).to_be_focused()
    row.get_by_role("button", name="Remove it").click()
    expect(section).to_contain_text("Nobody is told")


def test_name_tags_and_notes_are_edited_in_place(visit: Visit, bench: Bench) -> None:
    job = bench.job("befor")
    page = visit.open(f"/jobs/{job}")
    page.get_by_role("button", name="Edit name, tags and notes").click()
    form = page.get_by_role("form", name="Edit this job")
    expect(form.get_by_label("Name")).to_be_focused()
    form.get_by_label("Name").fill("before")
    form.get_by_label("Tags").fill("paper, first try, paper")
    form.get_by_label("Priority").fill("7")
    form.get_by_label("Notes").fill("Seeds 0 to 4\nare enough.")
    form.get_by_role("button", name="Save").click()
    about = page.get_by_role("region", name="About this job")
    expect(about).to_contain_text("first try")
    expect(about).to_contain_text("are enough.")
    expect(page.locator(".over")).to_contain_text("before")
    expect(page.locator(".jobs-rows")).to_contain_text("before")
    with bench.database.read() as session:
        stored = jobs.get(session, job)
    assert (sorted(stored.tags), stored.priority) == (["first try", "paper"], 7)


def test_what_one_may_not_do_is_disabled_and_says_why(lab: Lab, browser: Browser) -> None:
    _, ada = lab.token("ada")
    _, bob = lab.token("bob")
    _, vic = lab.token("vic", "viewer")
    job = lab.job(ada, "of ada")
    for secret, why in ((bob, "This is ada's: only ada or an admin"), (vic, "vic is a viewer")):
        with visiting(browser, lab.api.url) as visit:
            visit.may_fail = True  # that of the session, before one signs in
            page = visit.open(f"/jobs/{job}")
            sign_in(page, secret)
            expect(page.locator(".actions")).to_contain_text(why)
            for name in ("Cancel", "Delete", "Edit name, tags and notes"):
                expect(page.get_by_role("button", name=name)).to_be_disabled()
            expect(page.get_by_role("region", name="Webhooks")).to_contain_text("may be secrets")
            clone = page.get_by_role("button", name="Clone")
            if secret == vic:
                expect(clone).to_be_disabled()
            else:
                expect(page.get_by_role("link", name="Clone")).to_be_visible()
    with visiting(browser, lab.api.url) as visit:
        visit.may_fail = True
        page = visit.open(f"/jobs/{job}")
        sign_in(page, ada)
        page.get_by_role("button", name="Cancel").click()
        expect(page.locator("h1 .badge")).to_have_text("cancelled")
        headers = {"Authorization": f"Bearer {ada}"}
        state = httpx.get(f"{lab.api.url}/api/v1/jobs/{job}", headers=headers).json()["state"]
        assert state == "cancelled"


def test_a_clone_shows_in_what_it_differs(visit: Visit, bench: Bench) -> None:
    job = bench.job("original")
    page = visit.open(f"/jobs/{job}")
    page.get_by_role("link", name="Clone").click()
    aside = page.get_by_role("region", name="Against the original")
    expect(aside).to_contain_text("A clone of original. Nothing was changed yet.")
    page.get_by_label("Epochs").fill("7")
    page.get_by_label("Seeds").fill("3")
    expect(aside).to_contain_text("2 changes:")
    expect(aside).to_contain_text(re.compile(r"training.epochs\s*2\s*→\s*7"))
    expect(aside).to_contain_text(re.compile(r"seeds\s*0\s*→\s*3"))
    page.get_by_label("Epochs").fill("2")
    expect(aside).to_contain_text("1 change:")
    aside.get_by_role("link", name="original").click()
    expect(page).to_have_url(re.compile(f"/jobs/{job}$"))


def test_what_is_wrong_with_an_edit_stands_at_its_field(visit: Visit, bench: Bench) -> None:
    visit.may_fail = True
    job = bench.job("before")
    page = visit.open(f"/jobs/{job}")
    page.get_by_role("button", name="Edit name, tags and notes").click()
    form = page.get_by_role("form", name="Edit this job")
    typed = {"Name": "n" * 201, "Tags": "t" * 101, "Priority": "soon", "Notes": "n" * 10_001}
    for label, text in typed.items():
        form.get_by_label(label).fill(text)
    form.get_by_role("button", name="Save").click()
    for label, text in typed.items():
        field = form.locator(".field").filter(has=page.get_by_label(label))
        expect(field.locator(".field-error")).to_contain_text("this must")
        expect(form.get_by_label(label)).to_have_value(text)
