"""`colrow doctor` beside a service that runs, and beside parts of it that hang."""

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager

import pytest

from tests.system.installation import wait_until

pytestmark = pytest.mark.system


def ask(data):
    """Give the doctor's findings by check, the worst of each, and its exit status."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("COLROW_")}
    done = subprocess.run(
        [sys.executable, "-m", "colrow", "doctor", "--json", "--data", str(data)],
        env=kept, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout, done.stderr
    worst = {}
    for finding in json.loads(done.stdout)["findings"]:
        before = worst.setdefault(finding["check"], finding)
        if ["ok", "note", "warning", "fault"].index(finding["status"]) > (
            ["ok", "note", "warning", "fault"].index(before["status"])
        ):
            worst[finding["check"]] = finding
    return worst, done.returncode


@contextmanager
def frozen(pid):
    os.kill(pid, signal.SIGSTOP)
    yield
    os.kill(pid, signal.SIGCONT)


def test_a_service_that_runs_is_well_and_a_part_that_hangs_is_found(up):
    service = up().wait_until_ready()
    found, status = ask(service.data)
    assert status == 0, found
    assert {check: f["status"] for check, f in found.items() if f["status"] != "ok"} == {
        "data sets": "note"
    }
    assert set(found) >= {
        "database",
        "broker",
        "api",
        "clock",
        "versions",
        "workers",
        "webhooks",
        "files of jobs",
    }
    assert service.url in found["api"]["found"]
    assert "1 live, 0 of them busy" in found["workers"]["found"]

    with frozen(service.pid_of("-m api")):
        found, status = ask(service.data)
    assert status == 1
    assert (found["api"]["status"], found["database"]["status"]) == ("fault", "ok")
    assert str(service.data / "logs" / "api.log") in found["api"]["advice"]

    broker = next(pid for pid, words in service.processes().items() if "valkey" in words)
    with frozen(broker):
        found, status = ask(service.data)
    assert status == 1
    assert found["broker"]["status"] == "fault"

    assert service.stop() == 0
    wait_until(lambda: not service.processes(), "nothing is left")
    found, status = ask(service.data)
    assert status == 0, found
    assert (found["broker"]["status"], found["workers"]["status"]) == ("note", "note")
