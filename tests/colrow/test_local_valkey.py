"""The embedded broker: its socket, its data, what a kill leaves."""

import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from colrow.local import folder, valkey
from colrow.local.folder import DataFolder
from colrow.local.processes import stop
from tests.colrow.test_local import wait_until


@pytest.fixture
def broker(tmp_path):
    place = folder.prepare(tmp_path / ("long" * 40))
    runtime = valkey.runtime_folder()
    made = valkey.child(place, runtime)
    made.start()
    wait_until(lambda: valkey.answers(runtime))
    yield made, place, runtime
    stop([made], lambda: False)
    valkey.remove_runtime_folder(runtime)
    assert not runtime.exists()


def ask(runtime: Path, *words: str) -> str:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(valkey.socket_path(runtime)))
        connection.sendall((" ".join(words) + "\r\n").encode())
        return connection.recv(4096).decode()


def test_the_broker_listens_on_a_socket_of_this_user_alone(broker):
    made, _, runtime = broker
    assert runtime.stat().st_mode & 0o777 == 0o700
    assert valkey.socket_path(runtime).stat().st_mode & 0o077 == 0
    sockets = subprocess.run(
        ["cat", f"/proc/{made.process.pid}/net/tcp"], capture_output=True, text=True, check=True
    ).stdout
    inodes = {
        str(fd.readlink())
        for fd in Path(f"/proc/{made.process.pid}/fd").iterdir()
        if str(fd.readlink()).startswith("socket:")
    }
    listening = [line.split() for line in sockets.splitlines()[1:] if line.split()[3] == "0A"]
    assert not [fields for fields in listening if f"socket:[{fields[9]}]" in inodes]


def test_the_broker_keeps_its_messages_when_it_is_killed(broker):
    made, _, runtime = broker
    assert ask(runtime, "CONFIG", "GET", "maxmemory-policy").split()[-1] == "noeviction"
    for n in range(20):
        ask(runtime, "RPUSH", "queue", str(n))
    time.sleep(1.2)  # appendfsync everysec
    made.send(signal.SIGKILL)
    wait_until(lambda: not made.is_alive)
    wait_until(lambda: made.revive() is None and made.is_alive)
    wait_until(lambda: valkey.answers(runtime))
    assert ask(runtime, "LLEN", "queue").strip() == ":20"


def test_damaged_data_are_set_aside(tmp_path):
    place = folder.prepare(tmp_path)
    (place.broker / "dump").write_text("x")
    aside = valkey.set_damaged_aside(place)
    assert (aside / "dump").exists()
    assert not list(DataFolder(tmp_path).broker.iterdir())


def test_a_folder_that_is_not_ours_is_not_removed(tmp_path):
    (tmp_path / "other").mkdir()
    valkey.remove_runtime_folder(tmp_path / "other")
    assert (tmp_path / "other").exists()


def test_a_long_temporary_folder_does_not_make_the_socket_path_too_long(tmp_path, monkeypatch):
    long = tmp_path / ("x" * 100)
    long.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(long))
    made = valkey.runtime_folder()
    assert len(str(valkey.socket_path(made))) <= 107
    assert not list(long.iterdir())
    valkey.remove_runtime_folder(made)
