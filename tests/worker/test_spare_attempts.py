"""An attempt whose trainer is a fork of the spare is supervised as any other."""

import sys

from store import logs
from tests.worker.conftest import PREAMBLE, wait_until
from tests.worker.spares import is_running, stand_in
from worker.tasks import Post, supervise


def play(bench, spare, script):
    """Supervise an attempt whose trainer is forked; its script is written as for a cold one."""
    claim = bench.begin()
    cold = [sys.executable, "-c", "raise SystemExit('it started cold')"]
    post = Post(bench.settings, bench.database, 1, bench.stopping, command=cold, spare=spare)
    supervise(claim, post)
    return bench.job(claim.job_id)


def as_trainer(script):
    """Give the command of a spare whose trainers play the script."""
    preamble = PREAMBLE.replace("sys.argv[1]", "path")
    first = f"\ndef run(path): exec({(preamble + script)!r}, {{'path': path}}); return 0"
    return stand_in(first)


def test_an_attempt_whose_trainer_is_forked_is_supervised_as_any(make_spare, bench):
    script = (
        "start(); points(10)\nprint(os.environ['OMP_WAIT_POLICY'], told['threads'])\n"
        "save(20); finish(20)"
    )
    spare = make_spare(as_trainer(script))
    for _ in range(2):
        job = play(bench, spare, script)
        assert job.state == "succeeded"
        assert bench.read(logs.read, job.id).text == "PASSIVE 1\n"
        assert job.attempts[0].environment["start"] == "warm"


def test_a_forked_trainer_that_is_killed_is_tried_again(make_spare, bench):
    spare = make_spare(as_trainer("start(); os.kill(os.getpid(), 9)"))
    job = play(bench, spare, "")
    assert (job.state, job.attempts[0].reason.kind) == ("queued", "trainer_lost")
    assert "out-of-memory killer" in job.attempts[0].reason.message


def test_without_a_usable_spare_the_attempt_starts_cold(make_spare, bench):
    spare = make_spare(stand_in("sys.exit('no such library')"))
    job = play(bench, spare, "")
    assert "it started cold" in job.attempts[0].reason.message


def test_all_that_a_forked_trainer_started_ends_with_it(make_spare, bench):
    spare = make_spare(
        as_trainer(
            "start()\nchild = os.fork()\nif child: print(child, flush=True); finish(1)\n"
            "else: time.sleep(60)"
        )
    )
    job = play(bench, spare, "")
    assert job.state == "succeeded"
    child = int(bench.read(logs.read, job.id).text)
    wait_until(lambda: not is_running(child))
