import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select

from store import attempts, jobs, tables
from store.attempts import Outcome, Wish
from store.errors import Conflict, Gone, IdempotencyMismatch, NotFound
from store.ids import new_id


def count(bench, table) -> int:
    return bench.read(lambda s: s.scalar(select(func.count()).select_from(table)))


def test_ids_sort_by_time_and_are_uuids_of_version_7():
    made = [new_id() for _ in range(50)]
    assert len(set(made)) == 50
    assert {i[14] for i in made} == {"7"}
    assert {i[19] for i in made} <= set("89ab")
    assert made[0][:13] <= made[-1][:13]


def test_a_submitted_job_is_queued_with_all_that_was_said(bench):
    spec = bench.spec(seed=4)
    with bench.database.write() as session:
        made = jobs.submit(
            session,
            jobs.NewJob(
                spec,
                name="first",
                tags=("b", "a", "b"),
                priority=3,
                owner="ada",
                notes="why",
                planned_compute_reduction=0.6,
                total_steps=50,
                steps_per_epoch=25,
            ),
        )
    job = bench.job(made.job.id)
    assert made.created
    assert made.job == job
    assert (job.state, job.name, job.notes, job.owner) == ("queued", "first", "why", "ada")
    assert (job.tags, job.priority, job.queue_position) == (("a", "b"), 3, 1)
    assert job.spec == spec.model_dump(mode="json")
    assert job.planned_compute_reduction == 0.6
    assert (job.progress.step, job.progress.of, job.progress.epoch) == (0, 50, 0.0)
    assert (job.started_at, job.finished_at, job.reason, job.wish) == (None, None, None, None)


def test_text_that_a_database_cannot_hold_is_made_harmless(bench):
    job = bench.job(bench.submit(name="a\0b\ud800", tags=("x\0",), notes="\0"))
    assert job.name == "a\ufffdb?"
    assert job.tags == ("x\ufffd",)


def test_an_unknown_job_is_not_found(bench):
    for function in (jobs.request_cancel, jobs.retry, jobs.delete, jobs.edit):
        with pytest.raises(NotFound, match="there is no job 'no-such'"):
            bench.write(function, "no-such")
    with pytest.raises(NotFound):
        bench.job("no-such")


def test_the_same_key_and_body_give_the_same_job(bench):
    assert bench.submit(key="k", name="x") == bench.submit(key="k", name="x")
    assert count(bench, tables.Job) == 1


def test_a_key_outlives_its_job_and_makes_no_other(bench):
    bench.write(jobs.delete, bench.submit(key="k", name="x"))
    for _ in range(2):
        with pytest.raises(Gone, match="'k' made was deleted; to run the same again, send a new"):
            bench.submit(key="k", name="x")
    with pytest.raises(IdempotencyMismatch):
        bench.submit(key="k", name="y")
    assert count(bench, tables.Job) == 0
    bench.submit(key="another", name="x")


def test_the_same_key_with_another_body_is_refused(bench):
    bench.submit(key="k", name="x")
    with pytest.raises(IdempotencyMismatch, match="'k' came before with another body"):
        bench.submit(key="k", name="y")
    assert count(bench, tables.Job) == 1


def test_keys_of_two_owners_are_apart(bench):
    assert bench.submit(key="k", owner="ada") != bench.submit(key="k", owner="bob")


def test_twins_sent_at_once_make_one_job(bench):
    barrier = threading.Barrier(8)

    def send(_: int) -> str:
        barrier.wait()
        return bench.submit(key="twin")

    with ThreadPoolExecutor(8) as pool:
        ids = set(pool.map(send, range(8)))
    assert len(ids) == 1
    assert count(bench, tables.Job) == 1


def test_a_twin_waits_for_the_first_and_takes_its_place_when_it_fails(bench):
    entered, go = threading.Event(), threading.Event()

    def first() -> None:
        with bench.database.write() as session:
            jobs.submit(session, jobs.NewJob(bench.spec()), idempotency_key="k")
            entered.set()
            go.wait(10)
            raise KeyboardInterrupt

    with ThreadPoolExecutor(2) as pool:
        failing = pool.submit(first)
        assert entered.wait(10)
        second = pool.submit(bench.submit, key="k")
        threading.Event().wait(0.2)
        assert not second.done()
        go.set()
        with pytest.raises(KeyboardInterrupt):
            failing.result()
        assert bench.job(second.result()).state == "queued"
    assert count(bench, tables.Job) == 1


def test_cancelling_a_queued_job_takes_effect_at_once_and_again_is_no_error(bench):
    job_id = bench.submit()
    assert bench.write(jobs.request_cancel, job_id).state == "cancelled"
    again = bench.write(jobs.request_cancel, job_id)
    assert again.state == "cancelled"
    assert again.finished_at is not None
    assert bench.claim() is None


def test_cancelling_a_running_job_is_a_wish_that_the_heartbeat_tells(bench):
    claim = bench.begin()
    assert bench.write(attempts.heartbeat, claim.attempt_id) is Wish.GO_ON
    asked = bench.write(jobs.request_cancel, claim.job_id)
    assert (asked.state, asked.wish) == ("running", "cancel")
    assert bench.write(attempts.heartbeat, claim.attempt_id) is Wish.CANCEL
    assert bench.record(claim, bench.points(1, train_loss=1.0)) is Wish.CANCEL
    bench.end(claim, Outcome.CANCELLED)
    job = bench.job(claim.job_id)
    assert (job.state, job.wish) == ("cancelled", None)


@pytest.mark.parametrize("outcome", [Outcome.SUCCEEDED, Outcome.FAILED])
def test_a_job_at_its_end_cannot_be_cancelled(bench, outcome):
    claim = bench.begin()
    bench.end(claim, outcome, kind="internal", message="m")
    with pytest.raises(Conflict, match=f"the job has {outcome.value} already"):
        bench.write(jobs.request_cancel, claim.job_id)


def test_pause_and_resume(bench):
    claim = bench.begin()
    assert bench.write(jobs.request_pause, claim.job_id).wish == "pause"
    assert bench.write(attempts.heartbeat, claim.attempt_id) is Wish.PAUSE
    bench.end(claim, Outcome.PAUSED)
    assert bench.job(claim.job_id).state == "paused"
    assert bench.claim() is None
    assert bench.write(jobs.resume, claim.job_id).state == "queued"
    assert bench.write(jobs.resume, claim.job_id).state == "queued"
    second = bench.claim()
    assert (second.job_id, second.number) == (claim.job_id, 2)


def test_a_job_that_is_resumed_while_it_pauses_goes_on(bench):
    claim = bench.begin()
    bench.write(jobs.request_pause, claim.job_id)
    assert bench.write(jobs.resume, claim.job_id).wish is None
    bench.end(claim, Outcome.PAUSED)  # its trainer had stopped already
    assert bench.job(claim.job_id).state == "queued"


def test_pausing_again_is_no_error(bench):
    claim = bench.begin()
    for _ in range(2):
        assert bench.write(jobs.request_pause, claim.job_id).wish == "pause"
    bench.end(claim, Outcome.PAUSED)
    assert bench.write(jobs.request_pause, claim.job_id).state == "paused"


def test_a_job_that_is_cancelled_while_it_pauses_is_cancelled(bench):
    claim = bench.begin()
    bench.write(jobs.request_pause, claim.job_id)
    bench.write(jobs.request_cancel, claim.job_id)
    bench.end(claim, Outcome.PAUSED, kind="paused", message="paused at step 7")
    job = bench.job(claim.job_id)
    assert (job.state, job.reason.kind) == ("cancelled", "cancelled")
    assert job.reason.message == "paused at step 7, and was cancelled meanwhile"


def test_only_a_running_job_can_be_paused(bench):
    with pytest.raises(Conflict, match="is queued; only a running job can be paused"):
        bench.write(jobs.request_pause, bench.submit())


def test_a_job_that_is_being_cancelled_cannot_be_paused(bench):
    claim = bench.begin()
    bench.write(jobs.request_cancel, claim.job_id)
    with pytest.raises(Conflict, match="is being cancelled"):
        bench.write(jobs.request_pause, claim.job_id)


def test_retry_queues_a_failed_job_which_goes_on_from_its_checkpoint(bench):
    claim = bench.begin()
    bench.record(claim, bench.started(), bench.saved(40))
    bench.end(claim, Outcome.FAILED, kind="disk", message="the disk is full")
    failed = bench.job(claim.job_id)
    assert (failed.state, failed.reason.kind) == ("failed", "disk")
    assert failed.reason.message == "the disk is full"
    retried = bench.write(jobs.retry, claim.job_id)
    assert (retried.state, retried.reason, retried.finished_at) == ("queued", None, None)
    again = bench.claim()
    assert [c.path for c in again.checkpoints] == ["a1/step-40.pt"]


def test_retrying_again_is_no_error(bench):
    job_id = bench.submit()
    bench.write(jobs.request_cancel, job_id)
    assert bench.write(jobs.retry, job_id).state == "queued"
    assert bench.write(jobs.retry, job_id).state == "queued"


def test_a_running_or_succeeded_job_cannot_be_retried(bench):
    claim = bench.begin()
    with pytest.raises(Conflict, match="is running; only a failed or cancelled one"):
        bench.write(jobs.retry, claim.job_id)
    bench.end(claim, Outcome.SUCCEEDED)
    with pytest.raises(Conflict, match="has succeeded; to train the same again"):
        bench.write(jobs.retry, claim.job_id)


def test_a_retried_job_waits_at_the_end_of_the_queue(bench):
    first, second = bench.submit(), bench.submit()
    bench.write(jobs.request_cancel, first)
    bench.write(jobs.retry, first)
    assert bench.job(second).queue_position == 1
    assert bench.job(first).queue_position == 2


def test_deleting_removes_every_row(bench):
    claim = bench.begin(tags=("t",))
    bench.record(
        claim, bench.started(), bench.points(1, train_loss=1.0), bench.saved(1), log="hello"
    )
    bench.end(claim, Outcome.SUCCEEDED)
    other = bench.submit()
    bench.write(jobs.delete, claim.job_id)
    for table in (
        tables.Point, tables.Summary, tables.Checkpoint, tables.LogChunk, tables.Attempt, tables.Tag
    ):  # fmt: skip
        assert count(bench, table) == 0, table
    assert bench.job(other).state == "queued"
    with pytest.raises(NotFound):
        bench.job(claim.job_id)


def test_a_running_job_cannot_be_deleted(bench):
    claim = bench.begin()
    with pytest.raises(Conflict, match="cancel it first"):
        bench.write(jobs.delete, claim.job_id)
    assert bench.job(claim.job_id).state == "running"


def test_a_deleted_job_leaves_no_key_for_a_late_attempt(bench):
    claim = bench.begin()
    bench.end(claim, Outcome.CANCELLED)
    bench.write(jobs.delete, claim.job_id)
    other = bench.begin()
    assert other.attempt_id != claim.attempt_id
    assert bench.write(attempts.heartbeat, claim.attempt_id) is Wish.FENCED


def test_editing_changes_only_what_is_given(bench):
    job_id = bench.submit(name="old", tags=("t",), notes="n")
    edited = bench.write(jobs.edit, job_id, name="new", priority=-2)
    assert (edited.name, edited.tags, edited.notes, edited.priority) == ("new", ("t",), "n", -2)
    assert bench.write(jobs.edit, job_id, tags=()).tags == ()


def test_no_transition_leaves_success(bench):
    claim = bench.begin()
    bench.end(claim, Outcome.SUCCEEDED)
    with bench.database.write() as session:
        job = jobs.lock(session, claim.job_id)
        with pytest.raises(AssertionError, match="succeeded -> queued is no transition"):
            jobs.move(session, job, "queued")
