"""Every line of worker, notifier and `colrow up` is JSON where that is asked for."""

import json
import signal

import pytest

from store import jobs
from tests.system.installation import long_spec, tiny_spec, wait_until
from tests.system.up import FAST

pytestmark = pytest.mark.system


def told(text):
    return [json.loads(line) for line in text.splitlines()]


def test_every_line_of_a_worker_is_json_and_those_of_an_attempt_tell_it(installation):
    worker = installation.start_worker(log_format="json")
    done, stopped = installation.submit(tiny_spec()), installation.submit(long_spec())
    installation.wait(done, "succeeded")
    installation.wait_for_step(stopped, 10)
    with installation.database.write() as session:
        jobs.request_cancel(session, stopped)
    installation.wait(stopped, "cancelled")
    assert worker.stop() == 0
    lines = told(worker.said())
    assert {line["program"] for line in lines} == {"worker"}
    assert any(line["logger"].startswith("celery.") for line in lines)
    for job_id in (done, stopped):
        about = [line for line in lines if line.get("job") == job_id]
        assert {line["attempt"] for line in about} == {1}
        assert about[0]["message"].endswith("attempt 1 begins")
        assert f"attempt 1: {installation.job(job_id).state}" in about[-1]["message"]


def test_a_worker_that_cannot_start_says_so_in_json(installation):
    worker = installation.start_worker(wait=False, log_format="json", lease_s="0")
    assert worker.process.wait(60) == 2
    (line,) = told(worker.said())
    assert (line["level"], "COLROW_LEASE_S" in line["message"]) == ("error", True)


def test_a_format_that_is_none_is_refused(installation):
    worker = installation.start_worker(wait=False, log_format="xml")
    assert worker.process.wait(60) == 2
    assert worker.said().count("\n") == 1
    assert "COLROW_LOG_FORMAT: 'xml' is not known; there are: 'text' or 'json'" in worker.said()


def test_up_and_all_its_processes_say_everything_in_json(up):
    service = up(settings={**FAST, "COLROW_LOG_FORMAT": "json"}).wait_until_ready()
    said = service.data / "logs" / "notifier.log"
    wait_until(lambda: "waits for deliveries" in said.read_text(), "the notifier has begun")
    assert service.stop(signal.SIGTERM) == 0
    began, ended = told(service.words())
    assert began["program"] == ended["program"] == "up"
    assert "Colrow is at http://127.0.0.1:" in began["message"]
    assert ended["message"].startswith("Colrow stops; ")
    for name in ("api", "worker-1", "notifier"):
        lines = told((service.data / "logs" / f"{name}.log").read_text())
        assert {line["program"] for line in lines} == {name.removesuffix("-1")}


def test_up_that_cannot_start_says_so_in_json(up, tmp_path):
    (tmp_path / "file").touch()
    refused = up(data=tmp_path / "file", settings={"COLROW_LOG_FORMAT": "json"})
    assert refused.process.wait(60) == 1
    (line,) = told(refused.words())
    assert (line["level"], "is a file, or lies below one" in line["message"]) == ("critical", True)


def test_what_a_part_says_last_is_told_as_a_sentence(up, tmp_path):
    settings = {**FAST, "COLROW_LOG_FORMAT": "json", "COLROW_LEASE_S": "0"}
    refused = up(settings=settings)
    assert refused.process.wait(60) == 1
    (line,) = [t for t in told(refused.words()) if t["level"] == "critical"]
    assert (
        "worker-1 ended with exit status 2: the worker cannot start: COLROW_LEASE_S"
        in (line["message"])
        or "COLROW_LEASE_S" in line["message"]
    )
    assert "{" not in line["message"]
