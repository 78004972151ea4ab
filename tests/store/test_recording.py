import math
from concurrent.futures import ThreadPoolExecutor

import pytest

from crs_core.events import CheckpointSaved, Failed, Finished, LayerRow, Layers
from store import attempts, changes, curves, jobs, layers, listing, logs
from store.errors import Fenced, NotFound
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


def test_an_attempt_records_device_revision_environment_and_its_times(bench):
    claim = bench.begin(bench.spec(resources={"devices": 1}))
    said = {
        "versions": {"torch": "2", "revision": "a" * 40},
        "environment": {"processor": "Quick 9000", "MKL_DYNAMIC": "FALSE"},
    }
    bench.record(claim, bench.started(**said))
    (attempt,) = bench.job(claim.job_id).attempts
    assert (attempt.host, attempt.device_name, attempt.device_count) == ("host", "Quick 9000", 1)
    assert (attempt.versions, attempt.git_revision) == ({"torch": "2"}, "a" * 40)
    assert attempt.environment == said["environment"]
    assert (attempt.shared, attempt.start_s, attempt.trainer_s) == (None, None, None)
    bench.write(attempts.tell_times, claim.attempt_id, start_s=0.25, trainer_s=4.0)
    bench.end(claim)
    (attempt,) = bench.job(claim.job_id).attempts
    assert (attempt.shared, attempt.start_s, attempt.trainer_s) == (False, 0.25, 4.0)
    with pytest.raises(Fenced):
        bench.write(attempts.tell_times, claim.attempt_id, start_s=1.0, trainer_s=1.0)


def test_a_gpu_is_named_rather_than_the_processor_beside_it(bench):
    claim = bench.begin()
    versions, environment = {"gpu": "NVIDIA H100"}, {"processor": "Quick 9000"}
    bench.record(claim, bench.started(versions=versions, environment=environment, device="cuda:0"))
    assert bench.job(claim.job_id).attempts[0].device_name == "NVIDIA H100"


def test_a_step_told_twice_is_one_point(bench):
    claim = bench.begin()
    bench.record(claim, bench.points(5, train_loss=1.0), bench.points(5, train_loss=2.0))
    bench.record(claim, bench.points(5, train_loss=3.0))
    (curve,) = bench.read(curves.read, [claim.job_id])
    assert (curve.steps, curve.values) == ([5], [3.0])


def test_a_step_told_again_after_a_later_one_is_one_point(bench):
    claim = bench.begin()
    bench.record(claim, bench.points(5, train_loss=1.0), bench.points(9, train_loss=2.0))
    bench.record(claim, bench.points(5, train_loss=3.0))
    bench.record(claim, bench.points(9, train_loss=4.0), bench.points(10, train_loss=5.0))
    (curve,) = bench.read(curves.read, [claim.job_id])
    assert (curve.steps, curve.values) == ([5, 9, 10], [3.0, 4.0, 5.0])


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
    bench.end(claim)
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


def test_the_best_perplexity_is_the_lowest(bench):
    claim = bench.begin()
    bench.record(
        claim,
        bench.points(10, validation_perplexity=95.0, test_perplexity=92.0, train_loss=4.5),
        bench.points(20, validation_perplexity=90.0, test_perplexity=88.0, train_loss=4.0),
        bench.points(30, validation_perplexity=93.0, test_perplexity=87.0, train_loss=3.0),
    )
    kept = bench.job(claim.job_id).summary
    assert kept["validation_perplexity"] == Summary(93.0, 90.0, 90.0)
    assert kept["test_perplexity"] == Summary(87.0, 87.0, 88.0)
    assert kept["train_loss"] == Summary(3.0, 3.0, 4.0)
    lose(bench, claim)
    bench.record(bench.claim(), bench.started(30))
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


def test_listing_reads_only_the_metrics_that_were_chosen(bench):
    claim = bench.begin()
    bench.record(claim, bench.points(1, train_loss=1.0, seconds=2.0, steps_per_s=5.0))
    (job,) = bench.read(listing.list_jobs, metrics=["seconds"]).items
    assert set(job.summary) == {"seconds"}
    assert job.progress.steps_per_s == 5.0
