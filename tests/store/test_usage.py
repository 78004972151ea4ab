"""What users used of devices, and what sampling saved of it."""

from typing import Any

import pytest

from crs_core.events import LayerRow, Layers
from store import attempts, jobs, sweeps, usage
from store.attempts import Claim
from store.jobs import NewJob
from store.sweeps import NewSweep
from store.tables import Attempt, Usage
from store.usage import DAY_S, Used
from tests.store.conftest import Bench, make_spec

QUICK = {"processor": "Quick 9000"}
SLOW = {"processor": "Slow 100"}


def layers(step: int, exact: int, performed: int) -> Layers:
    row = LayerRow(
        layer="fc1", product="forward", policy="topk", ratio=0.5, pairs=8, kept=4.0,
        exact_macs=exact, performed_macs=performed,
    )  # fmt: skip
    return Layers(step=step, rows=(row,))


def began(bench: Bench, claim: Claim, seconds_ago: float) -> None:
    """Let an attempt have begun earlier."""
    with bench.database.write() as session:
        session.get_one(Attempt, claim.attempt_id).started_at -= seconds_ago


def used(bench: Bench, **where: Any) -> dict[tuple[str, str], Used]:
    found = bench.read(usage.read, **where)
    return {(one.user, one.kind): one for one in found}


def test_an_attempt_is_entered_when_it_ends_and_outlives_its_job(bench: Bench) -> None:
    claim = bench.begin(owner="ada")
    bench.record(claim, bench.started(), layers(30, 1000, 400))
    began(bench, claim, 50)
    assert used(bench) == {}
    bench.end(claim)
    one = used(bench)["ada", "cpu"]
    assert one.device_s == pytest.approx(50, abs=5)
    assert (one.attempts, one.exact_macs, one.performed_macs) == (1, 1000, 400)
    assert one.saved_macs == 600
    bench.write(jobs.delete, claim.job_id)
    assert used(bench)["ada", "cpu"] == one


def test_every_device_of_a_job_counts_and_kinds_and_users_stand_apart(bench: Bench) -> None:
    wide = bench.worker("host/1", kind="cuda", devices=["0", "1", "2"])
    for owner, worker, devices in (("ada", wide, 3), ("bob", bench.worker(), 1)):
        bench.submit(make_spec(resources={"devices": devices}), owner=owner)
        claim = bench.claim(worker)
        assert claim is not None
        began(bench, claim, 100)
        bench.end(claim)
    found = used(bench)
    assert found["ada", "cuda"].device_s == pytest.approx(300, abs=15)
    assert found["bob", "cpu"].device_s == pytest.approx(100, abs=5)
    assert list(used(bench, user="bob")) == [("bob", "cpu")]


def test_what_is_done_again_after_a_loss_is_time_used_but_no_progress(bench: Bench) -> None:
    first = bench.begin(owner="ada")
    bench.record(first, bench.started(), bench.saved(10), layers(20, 2000, 800))
    bench.write(attempts.release, first.attempt_id, kind="worker_lost", message="gone")
    second = bench.claim()
    assert second is not None
    bench.record(second, bench.started(10), layers(15, 1500, 600))
    bench.write(attempts.release, second.attempt_id, kind="worker_lost", message="gone")
    assert (used(bench)["ada", "cpu"].exact_macs, used(bench)["ada", "cpu"].attempts) == (2000, 2)
    third = bench.claim()
    assert third is not None
    bench.record(third, bench.started(10), layers(30, 3000, 1200))
    bench.end(third)
    one = used(bench)["ada", "cpu"]
    assert (one.exact_macs, one.performed_macs, one.attempts) == (3000, 1200, 3)


def test_a_lost_worker_used_its_device_until_it_was_last_heard_of(bench: Bench) -> None:
    claim = bench.begin(owner="ada")
    with bench.database.write() as session:
        attempt = session.get_one(Attempt, claim.attempt_id)
        now = attempt.started_at
        attempt.started_at, attempt.heartbeat_at, attempt.lease_until = now - 90, now - 80, now - 20
    bench.write(attempts.release, claim.attempt_id, kind="worker_lost", message="gone")
    assert used(bench)["ada", "cpu"].device_s == pytest.approx(10)


def test_a_clock_that_was_set_back_makes_no_negative_use(bench: Bench) -> None:
    claim = bench.begin(owner="ada")
    began(bench, claim, -500)
    bench.end(claim)
    assert used(bench)["ada", "cpu"].device_s == 0


def test_a_long_attempt_is_divided_among_its_days(bench: Bench) -> None:
    claim = bench.begin(owner="ada")
    bench.record(claim, bench.started(), layers(30, 1000, 400))
    began(bench, claim, 2 * DAY_S)
    bench.end(claim)
    with bench.database.read() as session:
        rows = session.query(Usage).order_by(Usage.day).all()
    assert [row.day for row in rows] == [rows[0].day + i for i in range(3)]
    assert rows[1].device_s == DAY_S
    assert sum(row.device_s for row in rows) == pytest.approx(2 * DAY_S, abs=5)
    assert [(row.attempts, row.exact_macs) for row in rows] == [(0, 0), (0, 0), (1, 1000)]
    middle = used(bench, first_day=rows[1].day, last_day=rows[1].day)["ada", "cpu"]
    assert (middle.device_s, middle.attempts) == (DAY_S, 0)


def test_the_days_of_a_span_meet_at_midnight() -> None:
    day = float(DAY_S)
    assert list(usage._days(0.0, day)) == [(0, day)]
    assert list(usage._days(day - 1, day + 2)) == [(0, 1.0), (1, 2.0)]
    assert list(usage._days(day, day)) == [(1, 0.0)]


class Lab(Bench):
    """A sweep whose jobs ran so long, on such devices."""

    def sweep(self, *policies: str, devices: int = 1) -> None:
        new = NewSweep("s", base={}, axes={}, owner="ada")
        needs = {"devices": devices}
        made = [
            NewJob(make_spec(policy, seed=i, resources=needs), owner="ada")
            for i, policy in enumerate(policies)
        ]
        self.write(sweeps.create, new, made)

    def train(
        self,
        seconds: float,
        *,
        on: dict[str, str] = QUICK,
        shared: bool | None = False,
        worker: int | None = None,
        **said: Any,
    ) -> Claim:
        claim = self.claim(worker)
        assert claim is not None
        self.record(claim, self.started(environment=on, **said), self.points(30, seconds=seconds))
        self.end(claim)
        with self.database.write() as session:
            session.get_one(Attempt, claim.attempt_id).shared = shared
        return claim


@pytest.fixture
def lab(bench: Bench) -> Lab:
    return Lab(bench.database)


def saved(lab: Lab) -> tuple[float | None, int]:
    one = used(lab)["ada", "cpu"]
    return one.saved_device_s, one.compared_jobs


def test_saved_time_is_measured_against_the_mean_of_the_exact_jobs_of_the_sweep(lab: Lab) -> None:
    lab.sweep("exact", "exact", "topk", "nps")
    for seconds in (100.0, 120.0, 70.0, 115.0):
        lab.train(seconds)
    assert saved(lab) == (pytest.approx(40 - 5), 2)


def test_saved_time_is_none_without_a_measured_exact_job(lab: Lab) -> None:
    lab.sweep("topk", "nps")
    lab.train(70.0)
    lab.train(80.0)
    lab.submit(make_spec("exact"), owner="ada")  # of no sweep
    lab.train(100.0)
    assert saved(lab) == (None, 0)


def test_saved_time_may_be_below_zero(lab: Lab) -> None:
    lab.sweep("exact", "topk")
    lab.train(100.0)
    lab.train(130.0)
    assert saved(lab) == (pytest.approx(-30), 1)


@pytest.mark.parametrize(
    "other",
    [
        {"shared": True},
        {"shared": None},
        {"on": SLOW},
        {"on": {}},
        {"threads": 4},
    ],
    ids=["shared", "shared or not", "another processor", "some processor", "more threads"],
)
def test_times_that_were_not_measured_alike_save_nothing(lab: Lab, other: dict[str, Any]) -> None:
    lab.sweep("exact", "topk")
    lab.train(100.0)
    lab.train(70.0, **other)
    assert saved(lab) == (None, 0)


def test_a_job_whose_attempts_ran_on_different_devices_has_no_time(lab: Lab) -> None:
    lab.sweep("exact", "topk")
    lab.train(100.0)
    claim = lab.claim()
    assert claim is not None
    lab.record(claim, lab.started(environment=SLOW))
    lab.write(attempts.release, claim.attempt_id, kind="worker_lost", message="gone")
    lab.train(70.0)
    assert saved(lab) == (None, 0)


def test_saved_time_counts_devices_and_only_the_days_asked_for(lab: Lab) -> None:
    wide = lab.worker("host/1", kind="cuda", devices=["0", "1"])
    lab.sweep("exact", "topk", devices=2)
    for seconds in (100.0, 70.0):
        lab.train(seconds, worker=wide, device="cuda", versions={"gpu": "H100"})
    one = used(lab)["ada", "cuda"]
    assert (one.saved_device_s, one.compared_jobs) == (pytest.approx(60), 1)
    with lab.database.read() as session:
        day = session.query(Usage).one().day
    assert used(lab, first_day=day)["ada", "cuda"].compared_jobs == 1
    assert used(lab, last_day=day - 1) == {}
