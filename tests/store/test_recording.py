import math
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from crs_core.events import CheckpointSaved, Failed, Finished, LayerRow, Layers
from store import attempts, changes, curves, jobs, layers, listing, logs, recording
from store.attempts import Outcome
from store.curves import reduce
from store.errors import NotFound
from store.tables import Point
from store.views import Summary

NAN = math.nan


def layer_row(layer: str, product: str = "forward", **changes) -> LayerRow:
    said = {
        "layer": layer,
        "product": product,
        "policy": "topk",
        "ratio": 0.4,
        "pairs": 64,
        "kept": 26.0,
        "exact_macs": 10**13,
        "performed_macs": 4 * 10**12,
        "never_kept": 0.1,
        "error": 0.3,
    }
    return LayerRow(**(said | changes))


def end(bench, claim, outcome=Outcome.SUCCEEDED) -> None:
    bench.write(attempts.finish, claim.attempt_id, outcome)


def lose(bench, claim) -> None:
    bench.write(attempts.release, claim.attempt_id, kind="k", message="m", blameless=True)


def test_a_start_says_where_and_how_long(bench):
    claim = bench.begin()
    bench.record(claim, bench.started(device="cpu", threads=2, notes=("a note",)))
    job = bench.job(claim.job_id)
    assert (job.progress.step, job.progress.of) == (0, 300)
    (attempt,) = job.attempts
    assert (attempt.start_step, attempt.device, attempt.threads) == (0, "cpu", 2)
    assert (attempt.versions, attempt.notes) == ({"torch": "2"}, ("a note",))


def test_points_become_curves_in_the_order_of_the_metrics(bench):
    claim = bench.begin()
    bench.record(claim, bench.started(), bench.points(1, seconds=0.5, train_loss=2.0))
    bench.record(claim, bench.points(3, train_loss=1.5, seconds=1.5))
    loss, seconds = bench.read(curves.read, [claim.job_id])
    assert (loss.metric, loss.steps, loss.values) == ("train_loss", [1, 3], [2.0, 1.5])
    assert (seconds.metric, seconds.values, seconds.of) == ("seconds", [0.5, 1.5], 2)
    assert (loss.reduced, loss.non_finite) == (False, [])
    assert bench.read(curves.read, [claim.job_id], ["train_loss"], after=1)[0].steps == [3]
    assert bench.read(curves.read, [claim.job_id], ["test_loss"]) == []


def test_curves_of_several_jobs_come_in_the_order_asked_for(bench):
    first, second = bench.begin(), bench.begin()
    bench.record(first, bench.points(1, train_loss=1.0))
    bench.record(second, bench.points(2, train_loss=2.0))
    found = bench.read(curves.read, [second.job_id, first.job_id], ["train_loss"])
    assert [(c.job_id, c.steps) for c in found] == [(second.job_id, [2]), (first.job_id, [1])]
    with pytest.raises(NotFound, match="'none'"):
        bench.read(curves.read, [first.job_id, "none"])


def test_a_step_told_twice_is_one_point(bench):
    claim = bench.begin()
    bench.record(claim, bench.points(5, train_loss=1.0), bench.points(5, train_loss=2.0))
    bench.record(claim, bench.points(5, train_loss=3.0))
    (curve,) = bench.read(curves.read, [claim.job_id])
    assert (curve.steps, curve.values) == ([5], [3.0])


@pytest.mark.parametrize("value", [NAN, math.inf, -math.inf])
def test_what_is_not_finite_is_null_and_named_by_its_position(bench, value):
    claim = bench.begin()
    bench.record(
        claim,
        bench.points(1, train_loss=2.0),
        bench.points(2, train_loss=value),
        bench.points(3, train_loss=1.0),
    )
    (curve,) = bench.read(curves.read, [claim.job_id])
    assert (curve.values, curve.non_finite) == ([2.0, None, 1.0], [1])
    stored = bench.read(lambda s: s.scalars(select(Point.value).order_by(Point.step)).all())
    assert stored == [2.0, None, 1.0]
    assert bench.job(claim.job_id).summary["train_loss"] == Summary(1.0, 1.0, None)


def test_a_last_value_that_is_not_finite_is_null_in_the_summary(bench):
    claim = bench.begin()
    bench.record(claim, bench.points(1, train_loss=2.0), bench.points(2, train_loss=NAN))
    assert bench.job(claim.job_id).summary["train_loss"] == Summary(None, 2.0, None)


def test_summaries_keep_last_best_and_at_best_validation(bench):
    claim = bench.begin()
    bench.record(claim, bench.points(5, train_loss=3.0), bench.points(9, train_loss=2.0))
    bench.record(claim, bench.points(10, validation_accuracy=0.8, test_accuracy=0.7))
    bench.record(claim, bench.points(10, best_test_accuracy=0.7))  # same step, later batch
    bench.record(
        claim,
        bench.points(15, train_loss=1.0, learning_rate=0.1),
        bench.points(20, validation_accuracy=0.75, test_accuracy=0.9, best_test_accuracy=0.7),
    )
    summary = bench.job(claim.job_id).summary
    assert summary["train_loss"] == Summary(1.0, 1.0, 2.0)
    assert summary["validation_accuracy"] == Summary(0.75, 0.8, 0.8)
    assert summary["test_accuracy"] == Summary(0.9, 0.9, 0.7)
    assert summary["best_test_accuracy"] == Summary(0.7, 0.7, 0.7)
    assert summary["learning_rate"] == Summary(0.1, None, None)  # neither direction is better


def test_the_first_of_two_equal_validations_is_the_best(bench):
    claim = bench.begin()
    for step, loss in ((10, 3.0), (20, 2.0)):
        bench.record(claim, bench.points(step, validation_accuracy=0.8, train_loss=loss))
    assert bench.job(claim.job_id).summary["train_loss"].at_best_validation == 3.0


def test_progress_tells_speed_and_time_left_while_it_runs(bench):
    claim = bench.begin()
    bench.record(claim, bench.started(), bench.points(100, steps_per_s=20.0))
    progress = bench.job(claim.job_id).progress
    assert (progress.step, progress.of, progress.steps_per_s) == (100, 300, 20.0)
    assert progress.epoch == pytest.approx(100 / 30)
    assert progress.eta_s == 10.0
    end(bench, claim)
    assert bench.job(claim.job_id).progress.eta_s is None


def test_a_resume_replaces_the_points_after_its_step(bench):
    first = bench.begin()
    bench.record(
        first,
        bench.started(),
        bench.points(10, train_loss=3.0, validation_accuracy=0.5),
        bench.points(20, train_loss=2.0, validation_accuracy=0.6),
        CheckpointSaved(step=20, name="step-20.pt", size_bytes=1, sha256="a" * 64),
        bench.points(30, train_loss=0.1, validation_accuracy=0.9, test_loss=1.0),
        Layers(step=30, rows=(layer_row("fc1"),)),
    )
    lose(bench, first)
    second = bench.claim()
    bench.record(second, bench.started(20, resumed_from="step-20.pt"))
    job = bench.job(first.job_id)
    assert job.progress.step == 20
    assert job.summary["train_loss"] == Summary(2.0, 2.0, 2.0)
    assert job.summary["validation_accuracy"] == Summary(0.6, 0.6, 0.6)
    assert "test_loss" not in job.summary
    assert bench.read(layers.read, first.job_id) == ()

    bench.record(second, bench.points(30, train_loss=1.0, validation_accuracy=0.7))
    loss, _ = bench.read(curves.read, [first.job_id])
    assert (loss.steps, loss.values) == ([10, 20, 30], [3.0, 2.0, 1.0])
    assert bench.job(first.job_id).summary["train_loss"] == Summary(1.0, 1.0, 1.0)
    told = bench.read(changes.since, 0).items
    assert [(c.kind, c.from_step) for c in told if c.kind == "truncate"] == [("truncate", 20)]


def test_summaries_made_anew_equal_those_kept_as_points_came(bench):
    claim = bench.begin()
    told = [bench.points(s, train_loss=((s * 7) % 11) / 3, seconds=s * 0.5) for s in range(1, 60)]
    told += [bench.points(s, validation_accuracy=((s * 5) % 13) / 13) for s in range(6, 60, 6)]
    bench.record(claim, bench.started(), *sorted(told, key=lambda p: p.step))
    kept = bench.job(claim.job_id).summary
    lose(bench, claim)
    again = bench.claim()
    bench.record(again, bench.started(59))
    assert bench.job(claim.job_id).summary == kept


def test_a_job_begun_anew_has_nothing_of_before(bench):
    first = bench.begin()
    bench.record(first, bench.started(), bench.points(10, train_loss=1.0))
    lose(bench, first)
    bench.record(bench.claim(), bench.started(0))
    assert bench.read(curves.read, [first.job_id]) == []
    assert bench.job(first.job_id).summary == {}


def test_layers_are_replaced_by_the_next_report(bench):
    claim = bench.begin()
    rows = (layer_row("fc1"), layer_row("fc2", "grad_weight", error=NAN, never_kept=None))
    bench.record(claim, Layers(step=5, rows=(layer_row("old"),)))
    bench.record(claim, Layers(step=9, rows=rows))
    first, second = bench.read(layers.read, claim.job_id)
    assert (first.layer, first.step, first.exact_macs, first.error) == ("fc1", 9, 10**13, 0.3)
    assert (second.product, second.error, second.never_kept) == ("grad_weight", None, None)


def test_how_an_attempt_ended_is_not_told_by_events(bench):
    claim = bench.begin()
    bench.record(claim, Finished(completed=True, step=9), Failed(kind="disk", message="m"))
    assert bench.job(claim.job_id).state == "running"


def test_a_log_is_read_by_range(bench):
    claim = bench.begin()
    for piece in ("héllo ", "wörld\n", "again\0\n"):
        bench.record(claim, log=piece)
    whole = bench.read(logs.read, claim.job_id)
    assert whole.text == "héllo wörld\nagain\ufffd\n"
    assert (whole.start, whole.end, whole.first, whole.total) == (0, 19, 0, 19)
    assert bench.read(logs.read, claim.job_id, start=6, limit=5).text == "wörld"
    assert bench.read(logs.read, claim.job_id, start=-7).text == "again\ufffd\n"
    assert bench.read(logs.read, claim.job_id, start=19) == logs.LogText("", 19, 19, 0, 19)
    assert bench.read(logs.read, claim.job_id, start=400).start == 19


def test_a_log_over_its_cap_loses_its_beginning(bench, monkeypatch):
    monkeypatch.setattr(logs, "MAX_LOG", 100)
    monkeypatch.setattr(logs, "MAX_CHUNK", 30)
    claim = bench.begin()
    for i in range(20):
        bench.record(claim, log=f"line {i:3}\n")
    log = bench.read(logs.read, claim.job_id)
    assert (log.first, log.total) == (72, 180)  # whole chunks go: at most one is over
    assert log.start == 72
    assert log.text.endswith("line  19\n")
    bench.record(claim, log="x" * 250)
    log = bench.read(logs.read, claim.job_id)
    assert (log.first, log.end, log.total) == (330, 430, 430)
    assert log.text == "x" * 100


def test_an_empty_log_is_empty(bench):
    assert bench.read(logs.read, bench.submit()) == logs.LogText("", 0, 0, 0, 0)
    with pytest.raises(NotFound):
        bench.read(logs.read, "none")


def test_four_writers_in_parallel_lose_nothing_and_see_no_lock_error(bench):
    claims = [bench.begin() for _ in range(4)]

    def write(claim) -> None:
        for batch in range(25):
            told = [bench.points(batch * 20 + i, train_loss=1.0) for i in range(20)]
            bench.record(claim, *told)
            bench.write(attempts.heartbeat, claim.attempt_id)

    with ThreadPoolExecutor(5) as pool:
        writing = [pool.submit(write, claim) for claim in claims]
        while not all(w.done() for w in writing):  # a reader among them
            bench.read(jobs.list_jobs)
        for one in writing:
            one.result()
    for claim in claims:
        (curve,) = bench.read(curves.read, [claim.job_id])
        assert curve.steps == list(range(500))
    seqs = [c.seq for c in bench.read(changes.since, 0).items]
    assert seqs == list(range(1, len(seqs) + 1))


def test_changes_become_visible_in_the_order_of_their_numbers(bench):
    """The first to write is the last to commit: its number must be the later one."""
    first, second = bench.begin(), bench.begin()
    if bench.database.dialect == "sqlite":  # one writer at a time: there is no such moment
        return
    bench.record(first, bench.points(1, train_loss=1.0))  # a metric's first time waits for itself
    before = bench.read(changes.head)
    written, go = threading.Event(), threading.Event()

    def slow() -> None:
        with bench.database.write() as session:
            recording.record(session, first.attempt_id, [bench.points(1, train_loss=1.0)])
            written.set()
            go.wait(10)

    with ThreadPoolExecutor(1) as pool:
        slowly = pool.submit(slow)
        assert written.wait(10)
        bench.record(second, bench.points(1, train_loss=1.0))
        assert [c.job_id for c in bench.read(changes.since, before).items] == [second.job_id]
        go.set()
        slowly.result()
    assert [c.job_id for c in bench.read(changes.since, before).items] == [
        second.job_id,
        first.job_id,
    ]


def test_a_transaction_that_fails_tells_nothing(bench):
    claim = bench.begin()
    before = bench.read(changes.head)

    def fail(session) -> None:
        recording.record(session, claim.attempt_id, [bench.points(1, train_loss=1.0)])
        raise RuntimeError

    with pytest.raises(RuntimeError):
        bench.write(fail)
    assert bench.read(changes.since, before) == changes.Feed((), before, reset=False)
    assert bench.read(curves.read, [claim.job_id]) == []


def test_the_feed_tells_of_a_whole_life(bench):
    claim = bench.begin()
    bench.record(
        claim, bench.started(), bench.points(1, train_loss=1.0), bench.points(4, seconds=1)
    )
    end(bench, claim)
    bench.write(jobs.delete, claim.job_id)
    feed = bench.read(changes.since, 0)
    of_job = [c for c in feed.items if c.job_id == claim.job_id]
    assert [(c.kind, c.state) for c in of_job] == [
        ("job", "queued"),
        ("job", "running"),
        ("job", "running"),
        ("points", None),
        ("job", "succeeded"),
        ("job", "deleted"),
    ]
    told = of_job[3]
    assert (told.attempt, told.from_step, told.to_step) == (1, 1, 4)
    assert [c.state for c in feed.items if c.kind == "worker"] == ["idle", "busy", "idle"]
    assert feed.head == feed.items[-1].seq == bench.read(changes.head)
    assert bench.read(changes.since, feed.head).items == ()


def test_the_feed_is_read_piece_by_piece(bench):
    for _ in range(5):
        bench.submit()
    first = bench.read(changes.since, 0, limit=3)
    assert ([c.seq for c in first.items], first.head) == ([1, 2, 3], 3)
    assert [c.seq for c in bench.read(changes.since, first.head, limit=3).items] == [4, 5]


def test_a_cursor_that_was_trimmed_or_is_ahead_is_told_to_start_anew(bench):
    for _ in range(10):
        bench.submit()
    assert bench.write(changes.trim, keep=4) == 6
    assert bench.write(changes.trim, keep=4) == 0
    assert bench.read(changes.since, 5) == changes.Feed((), 10, reset=True)
    assert [c.seq for c in bench.read(changes.since, 6).items] == [7, 8, 9, 10]
    assert bench.read(changes.since, 11).reset


def test_a_reduced_curve_keeps_first_last_and_every_peak(bench):
    claim = bench.begin()
    values = {step: math.sin(step / 20) for step in range(1000)}
    values |= {333: 9.0, 700: -9.0}
    bench.record(claim, *(bench.points(step, train_loss=v) for step, v in values.items()))
    (curve,) = bench.read(curves.read, [claim.job_id], max_points=50)
    assert len(curve.steps) <= 50
    assert (curve.of, curve.reduced) == (1000, True)
    assert {0, 333, 700, 999} <= set(curve.steps)
    assert curve.values == [values[step] for step in curve.steps]
    assert curve.steps == sorted(set(curve.steps))
    assert not bench.read(curves.read, [claim.job_id], max_points=1000)[0].reduced


@pytest.mark.parametrize("n", [5, 6, 7, 50, 51])
@pytest.mark.parametrize("limit", [4, 5, 10])
def test_reduction_never_gives_more_than_asked_for(n, limit):
    kept = reduce([float(i % 3) for i in range(n)], limit)
    assert kept == sorted(set(kept))
    assert kept[0] == 0
    assert kept[-1] == n - 1
    assert len(kept) <= limit


def test_a_gap_stays_in_a_reduced_curve():
    values = [1.0] * 20 + [None] * 20 + [2.0] * 20
    kept = reduce(values, 12)
    assert None in [values[i] for i in kept]
    assert {1.0, 2.0} <= {values[i] for i in kept}


def test_listing_reads_only_the_metrics_that_were_chosen(bench):
    claim = bench.begin()
    bench.record(claim, bench.points(1, train_loss=1.0, seconds=2.0, steps_per_s=5.0))
    (job,) = bench.read(listing.list_jobs, metrics=["seconds"]).items
    assert set(job.summary) == {"seconds"}
    assert job.progress.steps_per_s == 5.0
