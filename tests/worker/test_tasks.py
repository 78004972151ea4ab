"""An attempt is supervised to its end, however its trainer behaves."""

import threading
import time
from pathlib import Path

import pytest

from store import attempts, curves, jobs, logs
from tests.worker.conftest import wait_until


def curve(bench, job_id):
    found = bench.read(curves.read, [job_id], ["train_loss"], max_points=1000)
    return (list(found[0].steps), list(found[0].values)) if found else ([], [])


def log(bench, job_id):
    return bench.read(logs.read, job_id).text


def in_background(bench, claim, script):
    thread = threading.Thread(target=bench.play, args=(script, claim))
    thread.start()
    return thread


def is_running(pid):
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False


def test_what_a_trainer_tells_and_prints_is_recorded(bench):
    job = bench.play("start(); points(10); points(20, 0.25); print('hello'); finish(20)")
    assert job.state == "succeeded"
    assert curve(bench, job.id) == ([10, 20], [0.5, 0.25])
    assert log(bench, job.id) == "hello\n"


def test_a_checkpoint_that_was_told_is_what_the_next_attempt_goes_on_from(bench):
    first = bench.begin()
    bench.play("start(); save(10); os.kill(os.getpid(), 9)", first)
    second = bench.claim()
    assert [point.path for point in second.checkpoints] == ["a1/step-10.pt"]
    job = bench.play(
        "(point,) = told['resume_from']; start(point['step'])\n"
        "print(os.path.exists(point['path']), told['folder'].endswith('/a2')); finish(100)",
        second,
    )
    assert job.state == "succeeded"
    assert log(bench, job.id) == "True True\n"


def test_a_trainer_is_told_where_and_with_what_to_train(bench):
    job = bench.play(
        "start(); print(told['spec']['dataset']['name'], told['device'], told['threads'],"
        "told['download'], os.environ['OMP_WAIT_POLICY'], os.getsid(0) == os.getpid()); finish(1)"
    )
    assert log(bench, job.id) == "digits cpu 1 False PASSIVE True\n"


def test_an_attempt_records_its_variables_how_it_was_started_and_how_long_that_took(bench):
    job = bench.play("pipe.write('{\"imported_s\": 1.25}\\n'); start(); points(10); finish(10)")
    (attempt,) = job.attempts
    found = attempt.environment
    assert (found["start"], found["imported_s"]) == ("cold", "1.25")
    assert (found["MKL_DYNAMIC"], found["OMP_NUM_THREADS"]) == ("FALSE", "1")
    assert "PATH" not in found
    assert 0 < attempt.start_s < attempt.start_s + attempt.trainer_s
    assert attempt.trainer_s <= attempt.ended_at - attempt.started_at


def test_half_an_event_of_a_trainer_that_was_killed_is_left_out(bench):
    job = bench.play(
        'start(); points(10); pipe.write(\'{"type": "poi\'); pipe.flush()\nos.kill(os.getpid(), 9)'
    )
    assert job.state == "queued"
    assert curve(bench, job.id)[0] == [10]


@pytest.mark.parametrize("kind", ["dataset", "diverged", "out_of_memory"])
def test_a_failure_that_the_trainer_tells_is_the_reason_and_is_not_tried_again(bench, kind):
    job = bench.play(f"start(); tell(type='failed', kind={kind!r}, message='why'); sys.exit(1)")
    assert (job.state, job.reason.kind, job.reason.message) == ("failed", kind, "why")


def test_a_killed_trainer_is_tried_again_and_the_attempt_says_why(bench):
    job = bench.play("start(); points(10); print('alive'); os.kill(os.getpid(), 9)")
    assert job.state == "queued"
    (attempt,) = job.attempts
    assert attempt.reason.kind == "trainer_lost"
    assert "out-of-memory killer" in attempt.reason.message
    assert "alive" in attempt.reason.message


def test_a_job_whose_trainer_always_dies_has_failed_in_the_end(bench):
    job_id = bench.submit()
    for _ in range(attempts.MAX_ATTEMPTS_WITHOUT_CHECKPOINT):
        job = bench.play("sys.exit('no such library')", bench.claim())
    assert (job.id, job.state, job.reason.kind) == (job_id, "failed", "trainer_lost")
    assert "no such library" in job.reason.message


def test_a_cancelled_trainer_may_save_before_it_ends(bench):
    claim = bench.begin()
    thread = in_background(
        bench,
        claim,
        "stop = []; signal.signal(signal.SIGTERM, lambda *_: stop.append(1)); start()\n"
        "points(10)\n"
        "while not stop: time.sleep(0.01)\n"
        "save(11); finish(11, completed=False)",
    )
    wait_until(lambda: curve(bench, claim.job_id)[0])
    bench.write(jobs.request_cancel, claim.job_id)
    thread.join(10)
    job = bench.job(claim.job_id)
    assert (job.state, job.reason.message) == ("cancelled", "cancelled at step 11")
    assert (bench.folder(claim) / "step-11.pt").exists()


STOPS_AND_SAVES = """
stop = []; signal.signal(signal.SIGTERM, lambda *_: stop.append(1)); start()
points(10)
while not stop: time.sleep(0.01)
save(11); finish(11, completed=False)
"""


def test_a_job_that_gives_way_saves_and_is_queued(bench):
    claim = bench.begin()
    thread = in_background(bench, claim, STOPS_AND_SAVES)
    wait_until(lambda: curve(bench, claim.job_id)[0])
    assert bench.write(jobs.ask_to_give_way, claim.job_id)
    thread.join(10)
    job = bench.job(claim.job_id)
    assert (job.state, job.reason) == ("queued", None)
    assert job.attempts[0].reason.kind == "preempted"
    assert job.attempts[0].reason.message == "gave way to a job of higher priority at step 11"
    assert [point.step for point in bench.claim().checkpoints] == [11]


def test_a_job_stops_with_a_checkpoint_when_its_time_is_up(bench):
    claim = bench.begin(wall_time_s=1)
    job = bench.play(STOPS_AND_SAVES, claim)
    assert (job.state, job.reason.kind) == ("failed", "wall_time")
    assert job.reason.message == (
        "stopped at step 11: the job has run for 1 s, and resources.wall_time_s allows 1 s; "
        "retry it with a larger wall_time_s, and it goes on from its last checkpoint"
    )
    bench.write(jobs.retry, claim.job_id, wall_time_s=3600)
    assert [point.step for point in bench.claim().checkpoints] == [11]


def test_a_pause_that_is_taken_back_while_the_trainer_stops_lets_the_job_go_on(bench):
    claim = bench.begin()
    thread = in_background(
        bench,
        claim,
        STOPS_AND_SAVES.replace("save(11)", "points(12); time.sleep(0.5); save(11)"),
    )
    wait_until(lambda: curve(bench, claim.job_id)[0])
    bench.write(jobs.request_pause, claim.job_id)
    wait_until(lambda: curve(bench, claim.job_id)[0][-1] == 12)
    bench.write(jobs.resume, claim.job_id)
    thread.join(10)
    assert bench.job(claim.job_id).state == "queued"


def test_a_trainer_whose_steps_take_long_gets_the_time_to_end_one(bench):
    """`stop_s` of these tests is half a second."""
    claim = bench.begin()
    thread = in_background(
        bench,
        claim,
        STOPS_AND_SAVES.replace(
            "points(10)",
            "tell(type='points', step=10, epoch=1, values={'train_loss': 1, 'steps_per_s': 0.5})",
        ).replace("save(11)", "time.sleep(2); save(11)"),
    )
    wait_until(lambda: curve(bench, claim.job_id)[0])
    bench.write(jobs.request_pause, claim.job_id)
    thread.join(15)
    job = bench.job(claim.job_id)
    assert (job.state, job.reason.message) == ("paused", "paused at step 11")
    assert (bench.folder(claim) / "step-11.pt").exists()


def test_a_trainer_that_does_not_hear_is_killed_with_all_that_it_started(bench):
    claim = bench.begin()
    thread = in_background(
        bench,
        claim,
        "signal.signal(signal.SIGTERM, signal.SIG_IGN); start()\n"
        "child = os.fork()\n"
        "if child: print(child, flush=True); points(10)\n"
        "time.sleep(60)",
    )
    wait_until(lambda: curve(bench, claim.job_id)[0] and log(bench, claim.job_id))
    child = int(log(bench, claim.job_id))
    begin_s = time.monotonic()
    bench.write(jobs.request_cancel, claim.job_id)
    thread.join(10)
    assert 0.5 <= time.monotonic() - begin_s < 3
    job = bench.job(claim.job_id)
    assert job.state == "cancelled"
    assert "did not end in time and was killed" in job.reason.message
    wait_until(lambda: not is_running(child))


def test_a_worker_that_stops_gives_its_job_back(bench):
    claim = bench.begin()
    thread = in_background(bench, claim, "start(); points(10); time.sleep(60)")
    wait_until(lambda: curve(bench, claim.job_id)[0])
    bench.stopping.set()
    thread.join(10)
    job = bench.job(claim.job_id)
    assert job.state == "queued"
    assert job.attempts[0].reason.kind == "worker_stopped"


def test_a_superseded_attempt_is_killed_at_once_and_writes_nothing(bench):
    claim = bench.begin()
    thread = in_background(
        bench,
        claim,
        "signal.signal(signal.SIGTERM, signal.SIG_IGN); start(); points(10)\n"
        "print(os.getpid(), flush=True)\n"
        "go = os.path.join(told['folder'], 'go')\n"
        "while not os.path.exists(go): time.sleep(0.005)\n"
        "for step in range(11, 100000): points(step); save(step)",
    )
    wait_until(lambda: log(bench, claim.job_id))
    pid = int(log(bench, claim.job_id))
    bench.write(attempts.release, claim.attempt_id, kind="worker_lost", message="a sweep")
    (bench.folder(claim) / "go").touch()
    thread.join(10)
    assert not is_running(pid)
    job = bench.job(claim.job_id)
    assert (job.state, job.attempts[0].reason.message) == ("queued", "a sweep")
    assert curve(bench, claim.job_id)[0] == [10]
    assert not bench.claim().checkpoints


def test_what_makes_no_sense_as_an_event_fails_the_job_and_says_so(bench):
    job = bench.play("start(); pipe.write('nonsense\\n'); pipe.flush(); time.sleep(60)")
    assert (job.state, job.reason.kind) == ("failed", "internal")
    assert "the supervisor of the trainer failed" in job.reason.message


def test_a_folder_that_cannot_be_made_is_told_with_advice(bench):
    claim = bench.begin()
    bench.settings.home.mkdir()
    (bench.settings.home / "jobs").write_text("a file where a folder should be")
    job = bench.play("start()", claim)
    assert (job.state, job.reason.kind) == ("failed", "disk")
    assert "Make room there (or mend the permissions)" in job.reason.message


def test_more_output_than_a_pipe_holds_does_not_stop_the_trainer(bench):
    job = bench.play("start(); sys.stdout.write('x' * 1_000_000 + '\\0'); finish(1)")
    assert job.state == "succeeded"
    assert bench.read(logs.read, job.id).total == 1_000_001


def test_the_pipe_of_events_is_gone_afterwards(bench):
    claim = bench.begin()
    bench.play("start(); finish(1)", claim)
    assert [path.name for path in bench.folder(claim).iterdir()] == ["trainer.json"]


def test_what_cannot_be_recorded_fails_the_job_even_when_the_training_was_done(bench):
    job = bench.play("start(); points(2 ** 70); finish(20)")
    assert job.attempts[0].trainer_s is None
    assert (job.state, job.reason.kind) == ("failed", "internal")
    assert "the supervisor of the trainer failed" in job.reason.message
