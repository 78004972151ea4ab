"""A spare forks trainers; whatever is wrong with it, the job starts cold."""

import os
import select
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.worker.conftest import wait_until
from tests.worker.spares import ending, environment, is_running, stand_in
from worker.spare import Patience


@pytest.fixture
def job(tmp_path):
    """Write what a trainer is to do, and give the path of it."""

    def write(script):
        path = tmp_path / "trainer.json"
        path.write_text(script)
        return path

    return write


def test_a_trainer_is_a_fork_with_a_session_an_output_and_an_input_of_its_own(make_spare, job):
    spare = make_spare()
    script = (
        "import sys\n"
        "print(os.getsid(0) == os.getpgrp() == os.getpid(), os.getppid(), sys.stdin.read() == '')\n"
        "os.write(2, b'an error')"
    )
    process = spare.fork(job(script), environment())
    assert ending(process) == (0, f"True {spare.pid} True\nan error")


@pytest.mark.parametrize(
    ("script", "code"),
    [("forks.leave(3)", 3), ("os.kill(os.getpid(), 9)", -9), ("1 / 0", 1), ("raise SystemExit", 1)],
)
def test_how_a_trainer_ended_is_told(make_spare, job, script, code):
    assert ending(make_spare().fork(job(script), environment()))[0] == code


def test_every_job_gets_a_process_as_fresh_as_the_first(make_spare, job):
    spare = make_spare()
    script = "print(len(seen)); seen.append('more')"
    first = spare.fork(job(script), environment())
    pid = spare.pid
    assert ending(first) == (0, "1\n")
    second = spare.fork(job(script), environment())
    assert ending(second) == (0, "1\n")
    assert first.pid != second.pid
    assert spare.pid == pid


def test_a_list_of_processes_shows_which_job_a_fork_is_of(make_spare, job):
    path = job("time.sleep(60)")
    process = make_spare().fork(path, environment())
    words = Path(f"/proc/{process.pid}/cmdline").read_bytes().rstrip(b"\0").split(b"\0")
    assert words[1:] == [b"-m", b"worker.trainer", str(path).encode()]
    os.kill(process.pid, signal.SIGKILL)
    assert ending(process)[0] == -9


def test_variables_that_are_read_at_import_are_those_of_the_job(make_spare, job):
    spare = make_spare()
    script = "print(from_start)"
    spare.prepare(environment())
    one = spare.pid
    assert ending(spare.fork(job(script), environment(OMP_NUM_THREADS="3"))) == (0, "3\n")
    three = spare.pid
    assert one != three
    assert not is_running(one)
    # The next of the same kind, as in a sweep, finds it there.
    assert ending(spare.fork(job(script), environment(OMP_NUM_THREADS="3"))) == (0, "3\n")
    assert spare.pid == three


def test_an_installation_that_changed_is_imported_anew(make_spare, job):
    found = [("revision", frozenset())]
    spare = make_spare(installed=lambda: found[0])
    spare.prepare(environment())
    old = spare.pid
    found[0] = ("another", frozenset())
    assert ending(spare.fork(job("print('new')"), environment())) == (0, "new\n")
    assert spare.pid != old
    assert not is_running(old)


def test_a_spare_that_died_while_it_waited_is_replaced(make_spare, job, caplog):
    spare = make_spare()
    assert ending(spare.fork(job("print(1)"), environment())) == (0, "1\n")
    old = spare.pid
    os.kill(old, signal.SIGKILL)
    wait_until(lambda: not is_running(old))
    assert ending(spare.fork(job("print(2)"), environment())) == (0, "2\n")
    assert spare.pid != old
    assert "was lost while it waited" in caplog.text


def test_a_spare_that_hangs_is_ended_and_jobs_start_cold_for_a_while(make_spare, job, caplog):
    spare = make_spare(patience=Patience(import_s=60, answer_s=0.5, rest_s=3600))
    assert ending(spare.fork(job("print(1)"), environment())) == (0, "1\n")
    old = spare.pid
    os.kill(old, signal.SIGSTOP)
    assert spare.fork(job("print(2)"), environment()) is None
    assert not is_running(old)
    assert "did not answer within 0.5 s; jobs start without one for 3600 s" in caplog.text
    assert spare.fork(job("print(3)"), environment()) is None
    assert spare.pid is None


def test_after_its_rest_another_spare_is_tried(make_spare, job):
    spare = make_spare(patience=Patience(import_s=60, answer_s=0.5, rest_s=0))
    assert ending(spare.fork(job("print(1)"), environment())) == (0, "1\n")
    os.kill(spare.pid, signal.SIGSTOP)
    assert spare.fork(job("print(2)"), environment()) is None
    assert ending(spare.fork(job("print(3)"), environment())) == (0, "3\n")


@pytest.mark.parametrize(
    ("first", "begin", "words"),
    [
        ("sys.exit('no such library')", None, "has ended"),
        ("time.sleep(60)", None, "did not answer within 1 s"),
        ("", "CUDA was opened", "could not fork: CUDA was opened"),
    ],
)
def test_a_spare_that_is_of_no_use_leaves_the_job_to_a_cold_start_and_says_why(
    make_spare, job, caplog, first, begin, words
):
    patience = Patience(import_s=1 if "sleep" in first else 60, answer_s=60, rest_s=3600)
    spare = make_spare(stand_in(first, begin), patience)
    assert spare.fork(job("print(1)"), environment()) is None
    assert words in caplog.text
    if "exit" in first:
        assert "Its last words:\nno such library" in caplog.text


def test_a_spare_that_cannot_be_started_leaves_the_job_to_a_cold_start(make_spare, job, caplog):
    spare = make_spare(["/proc/none"])
    spare.prepare(environment())
    assert spare.fork(job("print(1)"), environment()) is None
    assert "cannot be started: No such file or directory" in caplog.text


def test_a_job_that_is_called_off_does_not_wait_for_the_spare(make_spare, job):
    spare = make_spare(stand_in("time.sleep(60)"))
    assert spare.fork(job("print(1)"), environment(), is_called_off=lambda: True) is None
    assert is_running(spare.pid)


def test_what_a_spare_prints_never_fills_its_pipe(make_spare, job):
    spare = make_spare(stand_in(begin=None, first="os.write(1, b'x' * 60_000)"))
    for _ in range(3):
        process = spare.fork(job("os.kill(os.getppid(), 0)"), environment())
        assert ending(process)[0] == 0


def test_a_trainer_dies_with_its_spare(make_spare, job):
    spare = make_spare()
    process = spare.fork(job("print('there'); time.sleep(60)"), environment())
    assert os.read(process.output, 100) == b"there\n"
    os.kill(spare.pid, signal.SIGKILL)
    assert ending(process) == (-9, "")
    assert not is_running(process.pid)


def test_nothing_is_left_when_it_is_closed(make_spare):
    spare = make_spare()
    spare.prepare(environment())
    pid = spare.pid
    spare.close()
    assert not is_running(pid)


SUPERVISOR = """
import os, sys, time
from pathlib import Path
from worker.spare import Spare
spare = Spare(command={command!r})
process = spare.fork(Path({path!r}), dict(os.environ))
print(spare.pid, process.pid, flush=True)
time.sleep(60)
"""


def test_neither_spare_nor_trainer_outlives_a_supervisor_that_is_killed(job):
    script = SUPERVISOR.format(command=stand_in(), path=str(job("time.sleep(60)")))
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as supervisor:
        pids = [int(word) for word in supervisor.stdout.readline().split()]
        assert [is_running(pid) for pid in pids] == [True, True]
        supervisor.kill()
        wait_until(lambda: not any(map(is_running, pids)))


def test_its_end_can_be_waited_for_before_it_is_there(make_spare, job, tmp_path):
    script = f"while not os.path.exists({str(tmp_path / 'go')!r}): time.sleep(0.01)"
    process = make_spare().fork(job(script), environment())
    codes = []
    thread = threading.Thread(target=lambda: codes.append(process.wait()))
    thread.start()
    assert not select.select([process.handle], [], [], 0)[0]
    (tmp_path / "go").touch()
    thread.join(60)
    assert codes == [0]
    os.close(process.output)
    os.close(process.handle)
