"""Whether the api answers where it should; and the command as a whole."""

import http.server
import json
import socket
import threading
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

import migrations
from colrow.errors import ColrowError
from colrow.local import doctor
from colrow.local.doctor import service
from colrow.local.doctor.place import Up, Wanted, look
from colrow.settings import read
from tests.colrow.doctor.conftest import only
from worker.host import versions


@contextmanager
def answering(status, body):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_): ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.02))
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize(
    ("status", "body", "found", "said"),
    [
        (200, {"status": "ok", "broker": "ok", "version": versions()["colrow"]}, "ok", "answers"),
        (200, {"broker": "down", "version": versions()["colrow"]}, "warning", "its broker"),
        (200, {"broker": "ok", "version": "0.0.1"}, "fault", "the api is Colrow 0.0.1"),
        (503, {"detail": "the database does not answer"}, "fault", "does not answer"),
        (200, "<html>", "fault", "something else than Colrow"),
        (404, {}, "fault", "something else than Colrow"),
        (200, [1], "fault", "something else than Colrow"),
    ],
)
def test_what_answers_is_looked_at(place, status, body, found, said):
    sent = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    with answering(status, sent) as url:
        told = only(service.check(replace(place, server=url, is_server_given=True)))
    assert (told.status, said in told.found) == (found, True)


def test_an_api_that_does_not_answer_is_a_fault_where_there_should_be_one(place):
    up = Up(1, None, Path("/nowhere"))
    assert only(service.check(replace(place, up=up))).status == "fault"
    assert only(service.check(replace(place, is_server_given=True))).status == "fault"
    assert only(service.check(replace(place, is_embedded=False))).status == "note"


def test_before_the_start_its_port_is_looked_at(place):
    assert only(service.check(place)).status == "ok"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        found = only(service.check(replace(place, port=port)))
    assert (found.check, found.status) == ("port", "fault")
    assert f"port {port} on 127.0.0.1 is in use" in found.found
    assert "choose another port" in found.advice


def test_every_check_is_done_and_a_defect_of_one_is_a_finding(place, monkeypatch):
    migrations.upgrade(place.database_url)

    def broken(_):
        raise ZeroDivisionError("oh")

    monkeypatch.setattr(doctor.devices, "check", broken)
    found = doctor.examine(place)
    assert {f.check for f in found} >= {
        "database", "broker", "data folder", "data sets", "devices", "port", "clock", "versions",
        "workers", "webhooks", "files of jobs",
    }  # fmt: skip
    (defect,) = [f for f in found if f.check == "devices"]
    assert (defect.status, defect.found) == (
        "fault", "this check itself failed, ZeroDivisionError: oh",
    )  # fmt: skip


def test_what_needs_the_database_is_left_out_without_it(place, monkeypatch):
    monkeypatch.setattr(doctor.devices, "check", lambda _: [])
    found = doctor.examine(place)
    assert [f.check for f in found if f.status == "skipped"] == ["workers"]


def test_the_place_is_what_settings_and_options_say(home):
    here = look(read({"COLROW_HOME": str(home)}), Wanted())
    assert (here.is_embedded, here.up, here.broker_url) == (True, None, None)
    assert here.database_url == f"sqlite:///{home}/colrow.db"
    assert not here.is_server_given
    there = look(
        read({"COLROW_DATABASE_URL": "postgresql+psycopg://x", "COLROW_SERVER": "http://lab:1"}),
        Wanted(broker="redis://b", data=home),
    )
    assert (there.database_url, there.broker_url) == ("postgresql+psycopg://x", "redis://b")
    assert (there.home, there.is_embedded, there.is_server_given) == (home, False, True)
    with pytest.raises(ColrowError, match="COLROW_LOG_FORMAT is 'xml'; it is `text` or `json`"):
        read({"COLROW_LOG_FORMAT": "xml"})


def test_the_command_tells_a_person_and_a_machine(home, run_doctor):
    told, status = run_doctor("--data", str(home))
    assert (status, told["ok"], told["faults"]) == (0, True, 0)
    assert set(told["findings"][0]) == {"check", "status", "found", "advice"}
    (home / "colrow.db").write_bytes(b"no database at all" * 100)
    text, status = run_doctor("--data", str(home), as_json=False)
    assert status == 1
    assert "file is not a database" in text
    assert "→ restore a back-up" in text
    assert text.rstrip().splitlines()[-1].startswith("1 fault, ")
