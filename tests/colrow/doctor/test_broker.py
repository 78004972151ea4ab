"""What is wrong with a broker, told by a broker with which it is wrong."""

import os
import signal
import socket
import threading
from dataclasses import replace

import pytest

from colrow.local.doctor import broker as checked
from tests.colrow.doctor.conftest import faults, only


@pytest.fixture
def there(place, valkey):
    return replace(place, broker_url=valkey.url)


def configure(valkey, **settings):
    with valkey.client() as client:
        for name, value in settings.items():
            client.config_set(name.replace("_", "-"), value)


def test_a_broker_that_answers_is_well(there, valkey):
    found = only(checked.check(there))
    assert found.status == "ok"
    assert "Valkey" in found.found
    with valkey.client() as client:
        assert client.keys() == []


@pytest.mark.needs("redis")
def test_a_redis_is_one_too(place):
    from tests.conftest import REDIS

    found = checked.check(replace(place, broker_url=f"{REDIS}/0"))
    assert found[0].status == "ok"
    assert "(Redis " in found[0].found


def test_the_embedded_one_does_not_run_without_up(place):
    assert only(checked.check(place)).status == "note"


def test_a_broker_that_is_gone_is_a_fault(there, valkey):
    valkey.stop()
    found = only(checked.check(there))
    assert found.status == "fault"
    assert "jobs are kept meanwhile" in found.advice


def test_a_broker_that_hangs_is_a_fault(there, valkey, monkeypatch):
    monkeypatch.setattr(checked, "PATIENCE_S", 0.5)
    os.kill(valkey.process.pid, signal.SIGSTOP)
    try:
        found = only(checked.check(there))
    finally:
        os.kill(valkey.process.pid, signal.SIGCONT)
    assert found.status == "fault"


def test_another_password_is_a_fault_and_is_not_shown(there, valkey):
    configure(valkey, requirepass="right")
    for url in (valkey.url, valkey.url.replace("://", "://:wrong@")):
        found = only(checked.check(replace(there, broker_url=url)))
        assert found.status == "fault"
        assert found.advice.startswith("mend the password"), found
        assert "wrong" not in found.found.replace("WRONGPASS", "")


def test_a_full_memory_is_a_fault(there, valkey):
    configure(valkey, maxmemory="1", maxmemory_policy="noeviction")
    found = only(checked.check(there))
    assert (found.status, found.advice.split(":")[0]) == ("fault", "its memory is full")


def test_a_replica_is_a_fault(there, valkey):
    with valkey.client() as client:
        client.execute_command("REPLICAOF", "127.0.0.1", "9")
    found = only(checked.check(there))
    assert found.status == "fault"
    assert "name the primary" in found.advice


def test_losing_messages_is_no_fault_but_told(there, valkey):
    configure(valkey, maxmemory="100mb", maxmemory_policy="allkeys-lru", appendonly="no")
    found = checked.check(there)
    assert faults(found) == []
    notes = [f.found for f in found if f.status == "note"]
    assert any("allkeys-lru" in note for note in notes)
    assert any("no append-only file" in note for note in notes)


def test_messages_that_nobody_reads_are_told(there, valkey, monkeypatch):
    monkeypatch.setattr(checked, "MANY", 3)
    with valkey.client() as client:
        client.rpush("notifications", *"abcd")
    (warning,) = [f for f in checked.check(there) if f.status == "warning"]
    assert "4 messages wait in the queue 'notifications'" in warning.found
    assert "colrow notifier" in warning.advice


def test_what_is_no_broker_is_a_fault(place):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]

        def answer():
            connection, _ = listening.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        threading.Thread(target=answer, daemon=True).start()
        found = only(checked.check(replace(place, broker_url=f"redis://127.0.0.1:{port}/0")))
    assert found.status == "fault"


@pytest.mark.parametrize("url", ["nonsense://host", "amqp://127.0.0.1:9//"])
def test_an_address_that_is_none_is_a_fault(place, url):
    assert only(checked.check(replace(place, broker_url=url))).status == "fault"
