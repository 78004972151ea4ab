"""Who comes first, and why: shares, caps, wide slots; and what the queue says of those who wait."""

import pytest
from sqlalchemy import select

from store import clock, order, shares, sweeper
from store.shares import Rules
from store.slots import Slot
from store.tables import Attempt, Job, Owner
from tests.store.test_order import A100, H100, HOST, OWNERS, World, make, register, shown


def test_an_owner_who_has_used_less_comes_first_and_what_runs_counts(bench):
    slot = Slot("cpu", (HOST,))
    world = World(
        {"ada": (0, None), "bob": (100, None), "eve": (0, None)},
        [(owner, 0, {}, "digits") for owner in ("bob", "bob", "ada", "ada", "ada", "ada")],
        [slot],
    )
    (worker,) = make(bench, world)
    # What starts counts 60 s at once: ada at 0, 60, 120 and 180, bob at 100 and 160.
    expected = ["ada", "ada", "bob", "ada", "bob", "ada"]
    assert [place.owner for place in shown(bench)] == expected
    claims = [bench.claim(worker) for _ in range(6)]
    assert [bench.job(claim.job_id).owner for claim in claims] == expected


def test_time_that_jobs_have_run_so_far_counts(bench):
    bench.worker("w")
    for owner in ("ada", "bob"):
        bench.submit(owner=owner)
        bench.claim(bench.worker("w"))
        bench.submit(owner=owner)
    assert [place.owner for place in shown(bench)] == ["ada", "bob"]
    with bench.database.write() as session:
        session.scalars(select(Attempt).order_by(Attempt.key)).first().started_at -= 1000
    assert [place.owner for place in shown(bench)] == ["bob", "ada"]


def test_an_attempt_that_ends_is_charged_and_halved_with_time(bench):
    bench.write(shares.set_rules, Rules(half_life_s=1e6))
    claim = bench.begin(bench.spec(), owner="ada")
    with bench.database.write() as session:
        session.get_one(Attempt, claim.attempt_id).started_at -= 500_000
        session.scalars(select(Job)).one().devices = 4
    bench.end(claim)
    with bench.database.read() as session:
        ada = session.scalars(select(Owner)).one()
        assert ada.recent_device_s == pytest.approx(4 * shares.worth_s(500_000, 1e6), rel=1e-2)
        assert ada.recent_at == pytest.approx(clock.read(session), abs=100)
    bench.submit(owner="ada")
    with bench.database.write() as session:
        session.scalars(select(Owner)).one().recent_at -= 2e6
    (share,) = bench.read(shares.read).values()
    assert share.used_s == pytest.approx(shares.worth_s(500_000, 1e6), rel=1e-2)


def test_seconds_are_worth_less_the_longer_they_lie_back():
    assert shares.worth_s(10, 86_400) == pytest.approx(10, rel=1e-3)
    parts = sum(0.5 ** (t / 600) * 0.1 for t in (i / 10 + 0.05 for i in range(12_000)))
    assert shares.worth_s(1200, 600) == pytest.approx(parts, rel=1e-5)


def test_time_after_the_last_sign_of_a_lost_worker_is_not_charged(bench):
    claim = bench.begin(owner="ada")
    with bench.database.write() as session:
        attempt = session.get_one(Attempt, claim.attempt_id)
        attempt.started_at -= 1000
        attempt.heartbeat_at = attempt.started_at + 10
        attempt.lease_until = attempt.started_at + 70
    assert bench.write(sweeper.sweep).requeued == (claim.job_id,)
    with bench.database.read() as session:
        assert session.scalars(select(Owner)).one().recent_device_s == pytest.approx(10, abs=1)


def test_the_cap_of_an_owner_holds_its_jobs_back_and_lets_others_pass(bench):
    bench.write(shares.set_rules, Rules(max_running=1))
    worker = bench.worker()
    first, second = (bench.submit(owner="ada", priority=9) for _ in range(2))
    other = bench.submit(owner="bob")
    assert [place.job_id for place in shown(bench)] == [first, other, second]
    claim = bench.claim(worker)
    assert [bench.claim(worker).job_id, bench.claim(worker)] == [other, None]
    (waiting,) = shown(bench)
    assert waiting.waits_for == "the end of a job of ada: 1 run, and at most 1 may at a time"
    bench.end(claim)
    assert bench.claim(worker).job_id == second
    bench.write(shares.set_rules, Rules())


def test_a_wide_slot_serves_narrow_jobs_when_no_wide_one_of_their_priority_waits(bench):
    narrow_slot, wide_slot = bench.worker("n"), bench.worker("w", devices=["0", "1"])
    narrow, wide = bench.submit(), bench.submit(bench.spec(resources={"devices": 2}))
    urgent = bench.submit(priority=1)
    assert [place.job_id for place in shown(bench)] == [urgent, wide, narrow]
    assert bench.claim(wide_slot).job_id == urgent
    assert bench.claim(wide_slot).job_id == wide
    assert bench.claim(wide_slot).job_id == narrow
    assert bench.claim(narrow_slot) is None


def test_where_there_are_only_wide_slots_narrow_jobs_wait_no_longer_than_wide_ones(bench):
    wide_slot = bench.worker("w", devices=["0", "1"])
    narrow = bench.submit()
    bench.submit(bench.spec(resources={"devices": 2}))
    assert bench.claim(wide_slot).job_id == narrow


def test_a_claim_names_the_devices_that_are_good_enough(bench):
    slot = Slot("cuda", (A100, H100, A100, H100))
    worker = register(bench, "w", slot)
    bench.submit(bench.spec(resources={"kind": "cuda", "devices": 2, "memory_gb": 60}))
    assert bench.claim(worker).devices == (1, 3)
    bench.submit(bench.spec(resources={"kind": "cuda", "device_name": "*A100*"}))
    assert bench.claim(worker).devices == (0,)
    bench.submit()
    assert bench.claim(worker).devices == (0,)


@pytest.mark.parametrize(
    ("resources", "words"),
    [
        ({"kind": "cuda"}, "a worker with a device of kind cuda"),
        ({"devices": 3}, "a worker that owns 3 devices"),
        ({"device_name": "*H100*"}, "a worker with a device named like *H100*"),
        ({"memory_gb": 64}, "a worker with 64 GB of memory"),
        ({"devices": 2, "memory_gb": 64}, "a worker with 64 GB of memory on each of 2 devices"),
    ],
)
def test_the_queue_says_which_need_no_worker_meets(bench, resources, words):
    register(bench, "w", Slot("cpu", (HOST, HOST)))
    bench.submit(bench.spec(resources=resources))
    (waiting,) = shown(bench)
    assert waiting.waits_for == words


def test_a_worker_of_an_older_version_meets_no_wish_for_a_name_or_memory(bench):
    worker = bench.worker(memory_bytes=10**12)
    for resources in ({"memory_gb": 1}, {"device_name": "*"}):
        bench.submit(bench.spec(resources=resources))
    assert bench.claim(worker) is None


def test_the_rules_are_read_as_they_were_set(bench):
    assert bench.read(shares.rules) == Rules()
    wanted = Rules(half_life_s=60, max_running=3, preempt_after_s=0)
    bench.write(shares.set_rules, wanted)
    assert bench.read(shares.rules) == wanted
    bench.write(shares.set_rules, Rules())
    assert bench.read(shares.rules) == Rules()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_claim_finds_its_job_in_an_index_alone(bench):
    """By the plan: among ten thousand jobs it reads no row that it does not take."""
    for owner in OWNERS:
        bench.submit(owner=owner)
    bench.worker("n")
    bench.worker("w", devices=["0", "1"])
    with bench.database.read() as session:
        seen = order.view(session)
        query = order.front(seen, seen.slots[0])
        compiled = query.compile(bench.database.engine, compile_kwargs={"render_postcompile": True})
        values = tuple(compiled.params[name] for name in compiled.positiontup)
        plan = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}", values)
        steps = [row[-1] for row in plan]
    assert any("SEARCH jobs USING COVERING INDEX ix_jobs_queue (state=?" in s for s in steps), steps
    assert not any("SCAN jobs" in step for step in steps)
