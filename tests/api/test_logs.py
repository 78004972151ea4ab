"""What the api logs as JSON: each event a line, about the job or sweep that was asked for."""

import json
import logging
import signal
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import exc

from store import jobs, sweeps
from store.loglines import JsonLines

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
Start = Callable[..., Any]


def told(errors: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in errors.splitlines()]


@pytest.mark.system
def test_every_line_of_the_process_is_json(process: Start) -> None:
    running = process(COLROW_LOG_FORMAT="json")
    running.ready()
    code, errors = running.stop(signal.SIGTERM)
    assert code == 0
    lines = told(errors)
    assert lines[0]["message"].startswith("serving on http://127.0.0.1:")
    assert {line["program"] for line in lines} == {"api"}


@pytest.mark.system
@pytest.mark.parametrize(
    ("variables", "code", "said"),
    [
        ({"COLROW_PORT": "eighty"}, 2, "COLROW_PORT"),
        ({"COLROW_DATABASE_URL": "nonsense"}, 1, "COLROW_DATABASE_URL cannot be used"),
    ],
)
def test_a_refusal_to_start_is_a_json_line(
    process: Start, variables: dict[str, str], code: int, said: str
) -> None:
    running = process(COLROW_LOG_FORMAT="json", **variables)
    _, errors = running.popen.communicate(timeout=60)
    assert running.popen.returncode == code
    (line,) = told(errors)
    assert (line["level"], said in line["message"]) == ("critical", True)


@pytest.mark.system
def test_another_format_is_refused_in_one_sentence(process: Start) -> None:
    running = process(COLROW_LOG_FORMAT="xml")
    _, errors = running.popen.communicate(timeout=60)
    assert running.popen.returncode == 2
    assert errors.count("\n") == 1
    assert "COLROW_LOG_FORMAT: 'xml' is not known; there are: 'text' or 'json'" in errors


@pytest.fixture
def lines() -> Any:
    """What is logged, as JSON, in the order it is."""
    written: list[dict[str, Any]] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            written.append(json.loads(JsonLines("api").format(record)))

    handler = Keep()
    logging.getLogger().addHandler(handler)
    yield written
    logging.getLogger().removeHandler(handler)


@pytest.mark.parametrize(
    "error", [RuntimeError("a defect"), exc.OperationalError("SELECT", {}, Exception("gone"))]
)
def test_a_failure_tells_the_job_or_sweep_that_was_asked_for(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, lines: Any, error: Exception
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    for module in (jobs, sweeps):
        monkeypatch.setattr(module, "get", fail)
    client.get("/api/v1/jobs/019ab4f2-7c1e")
    client.get("/api/v1/sweeps/019ab4f1-02aa")
    client.get("/api/v1/jobs/a%0Ab%1B")
    failures = [line for line in lines if line["logger"] == "colrow.api"]
    assert [(f.get("job"), f.get("sweep")) for f in failures] == [
        ("019ab4f2-7c1e", None), (None, "019ab4f1-02aa"), ("a\nb\x1b", None),
    ]  # fmt: skip
