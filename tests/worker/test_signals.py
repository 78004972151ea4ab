"""A signal in the middle of another one's handler, and of a lock's use, holds nothing up."""

import signal
import subprocess
import sys

import pytest

TOLD_BY_ANOTHER = """
import os, signal, threading, time

def tell_often(pid):
    child = os.fork()
    if child:
        return lambda: os.waitpid(child, os.WNOHANG) == (0, 0)
    for _ in range(2000):
        os.kill(pid, signal.SIGTERM)
        time.sleep(1e-4)
    os._exit(0)
"""
WORKER = """
from celery.worker import state
from worker import signals

stopping, changed = threading.Event(), threading.Event()

def stop():
    stopping.set()
    changed.set()

signals.heed(None, stop)
goes_on = tell_often(os.getpid())
while goes_on():
    for _ in range(1000):  # what the threads of a worker do, with the same event
        changed.set()
        changed.clear()
assert stopping.wait(20)
assert state.should_stop == 0
"""
UP = """
from colrow.local.up import Wishes

wishes = Wishes()
assert not wishes.are_heard_within(0.01)
assert not wishes.hurry
goes_on = tell_often(os.getpid())
assert wishes.are_heard_within(20)
while goes_on():
    assert wishes.are_heard_within(0.001)
assert wishes.hurry
"""


@pytest.mark.parametrize("script", [WORKER, UP], ids=["worker", "up"])
def test_a_storm_of_signals_locks_nobody_out(script):
    done = subprocess.run(
        [sys.executable, "-c", TOLD_BY_ANOTHER + script],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 0), (signal.SIGINT, 1)])
def test_the_first_signal_asks_celery_to_end_as_it_says(number, status):
    script = (
        "import os, threading\n"
        "from celery.worker import state\n"
        "from worker import signals\n"
        "told = threading.Event()\n"
        "signals.heed(None, told.set)\n"
        f"os.kill(os.getpid(), {int(number)})\n"
        "assert told.wait(20)\n"
        "raise SystemExit(10 + state.should_stop)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], timeout=60, check=False)
    assert done.returncode == 10 + status
