"""Data folder, lock, address and child processes."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from colrow.errors import LocalError
from colrow.local import folder, network
from colrow.local.folder import Lock
from colrow.local.processes import Child, bound, stop
from colrow.settings import inherited, read


def wait_until(is_so: Callable[[], object], *, timeout_s: float = 20) -> None:
    end_s = time.monotonic() + timeout_s
    while not is_so():
        assert time.monotonic() < end_s
        time.sleep(0.02)


# The data folder


def test_a_folder_is_made_for_its_owner_alone(tmp_path):
    made = folder.prepare(tmp_path / "a" / "b")
    assert made.path.stat().st_mode & 0o777 == 0o700
    assert made.logs.is_dir()
    assert made.broker.is_dir()
    assert made.database_url == f"sqlite:///{tmp_path}/a/b/colrow.db"


def test_a_file_in_the_way_is_told(tmp_path):
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(LocalError, match=r"is a file, or lies below one; choose another"):
            folder.prepare(path)


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "fuse.sshfs", "9p", "lustre"])
def test_a_network_file_system_is_refused_with_advice(tmp_path, monkeypatch, kind):
    mounts = f"/dev/vda / ext4 rw 0 0\nserver:/x {tmp_path} {kind} rw 0 0\n"
    real = Path.read_text
    monkeypatch.setattr(
        Path,
        "read_text",
        lambda path, *a, **k: mounts if path == Path("/proc/mounts") else real(path, *a, **k),
    )
    with pytest.raises(LocalError, match=rf"network file system \({kind}, .*choose a folder on a"):
        folder.prepare(tmp_path / "data")
    assert not (tmp_path / "data").exists()


def test_a_network_file_system_will_do_where_the_database_is_elsewhere(tmp_path, monkeypatch):
    mounts = f"/dev/vda / ext4 rw 0 0\nserver:/x {tmp_path} nfs4 rw 0 0\n"
    refuse = folder.refuse_network_file_system
    monkeypatch.setattr(
        folder, "refuse_network_file_system", lambda path: refuse(path, mounts=mounts)
    )
    made = folder.prepare(tmp_path / "data", database_url="postgresql+psycopg://db.lab/colrow")
    assert made.logs.is_dir()


def test_a_disk_with_too_little_room_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(folder, "LEAST_FREE_BYTES", 1 << 60)
    with pytest.raises(LocalError, match=r"the disk of the data folder .* is full: .*make room"):
        folder.prepare(tmp_path)


def test_a_second_lock_is_refused_and_names_the_first(tmp_path):
    place = folder.prepare(tmp_path)
    first = Lock(place)
    with pytest.raises(LocalError, match=r"another `colrow up`.*still starting"):
        Lock(place)
    first.tell(url="http://x", runtime="/nowhere")
    with pytest.raises(
        LocalError, match=rf"process {os.getpid()}, http://x\) uses the data folder"
    ):
        Lock(place)
    first.release()
    again = Lock(place)
    assert again.left_behind is None
    again.release()


def test_what_a_killed_holder_left_behind_is_known(tmp_path):
    place = folder.prepare(tmp_path)
    first = Lock(place)
    first.tell(url="http://x", runtime="/tmp/colrow-abc")
    first._file.close()
    second = Lock(place)
    assert second.left_behind == "/tmp/colrow-abc"
    second.release()


# The address


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "localhost", "0.0.0.0"])
def test_addresses_of_this_machine_may_be_listened_on(host):
    assert network.check_address(host, 0) > 0


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
def test_addresses_of_others_are_refused(host):
    with pytest.raises(LocalError, match=f"cannot listen on {host}.*--host"):
        network.check_address(host, 8750)


def test_all_addresses_at_once_are_called_by_the_machines_name():
    assert network.name_of("0.0.0.0") == network.name_of("::") == socket.gethostname()
    assert network.name_of("127.0.0.1") == "127.0.0.1"
    assert network.name_of("lab.example") == "lab.example"


def test_a_port_in_use_is_told():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(LocalError, match=rf"port {port} on 127.0.0.1 is in use.*--port"):
            network.check_address("127.0.0.1", port)


def test_an_address_is_written_as_a_browser_wants_it():
    assert network.url("127.0.0.1", 1) == "http://127.0.0.1:1"
    assert network.url("::1", 1) == "http://[::1]:1"


# Settings


def test_settings_hold_what_the_environment_says(tmp_path):
    found = read({"COLROW_HOME": str(tmp_path), "COLROW_PORT": "1234", "COLROW_DATA": ""})
    assert found.server == "http://127.0.0.1:1234"
    assert found.datasets() == tmp_path / "datasets"
    assert found.datasets(tmp_path / "x") == tmp_path / "x" / "datasets"
    assert read({"COLROW_DATA": "/d"}).datasets(tmp_path) == Path("/d")
    assert read({}).home == Path("~/.colrow").expanduser()
    assert (read({}).token, read({}).private) == (None, False)
    assert read({"COLROW_TOKEN": "colrow_x"}).token == "colrow_x"
    assert read({"COLROW_PRIVATE": "1"}).private
    assert not read({"COLROW_PRIVATE": "false"}).private


def test_a_persons_token_is_not_inherited(monkeypatch):
    monkeypatch.setenv("COLROW_TOKEN", "colrow_x")
    monkeypatch.setenv("COLROW_PORT", "1234")
    assert "COLROW_TOKEN" not in inherited()
    assert inherited()["COLROW_PORT"] == "1234"


# Child processes

WAIT = "print('up', flush=True); time.sleep(60)"


def child(tmp_path: Path, code: str, *, stop_s: float = 5.0) -> Child:
    command = [sys.executable, "-c", code]
    return Child("child", command, tmp_path / "child.log", dict(os.environ), stop_s=stop_s)


def test_a_child_has_a_session_of_its_own_and_its_output_is_kept(tmp_path):
    made = child(tmp_path, "import os; print(os.getsid(0) == os.getpid()); print('last words')")
    made.start()
    wait_until(lambda: not made.is_alive)
    assert made.log.read_text() == "True\nlast words\n"
    assert made.last_line() == "last words"
    assert made.ending() == "ended with exit status 0"


def test_a_child_that_dies_is_started_again_later_and_later(tmp_path):
    made = child(tmp_path, "import sys; sys.exit(3)")
    made.start()
    notes = []
    begin = time.monotonic()
    while len(notes) < 3:
        note = made.revive()
        if note:
            notes.append((time.monotonic() - begin, note))
        time.sleep(0.01)
    assert "child ended with exit status 3; it starts again" in notes[0][1]
    assert notes[2][0] - notes[1][0] > notes[1][0] - notes[0][0] > 0.2


def test_stopping_is_asked_for_first(tmp_path):
    code = f"import signal, sys, time; signal.signal(15, lambda *a: sys.exit(7)); {WAIT}"
    made = child(tmp_path, code)
    made.start()
    wait_until(lambda: made.last_line() == "up")
    stop([made], lambda: False)
    assert made.ending() == "ended with exit status 7"


@pytest.mark.parametrize("hurried", [False, True])
def test_a_child_that_does_not_listen_is_killed(tmp_path, hurried):
    code = f"import signal, time; signal.signal(15, signal.SIG_IGN); {WAIT}"
    made = child(tmp_path, code, stop_s=60 if hurried else 0.2)
    made.start()
    wait_until(lambda: made.last_line() == "up")
    stop([made], lambda: hurried)
    assert made.ending() == "was killed by signal 9"


def test_a_child_dies_with_a_parent_that_is_killed(tmp_path):
    parent = (
        "import subprocess, sys, time; from colrow.local.processes import bound\n"
        "p = subprocess.Popen(bound([sys.executable, '-c', 'import time; time.sleep(60)']))\n"
        "print(p.pid, flush=True); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    pid = int(process.stdout.readline())
    assert Path(f"/proc/{pid}").exists()
    process.kill()
    process.wait()
    process.stdout.close()
    wait_until(lambda: not _runs(pid))


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_command_whose_parent_is_gone_already_does_not_run(tmp_path):
    command = bound([sys.executable, "-c", "print('ran')"])
    command[command.index(str(os.getpid()))] = "1"
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (1, "")


def test_a_large_log_is_set_aside(tmp_path, monkeypatch):
    monkeypatch.setattr("colrow.local.processes.MAX_LOG_BYTES", 3)
    (tmp_path / "child.log").write_text("much\n")
    made = child(tmp_path, "print('new')")
    made.start()
    wait_until(lambda: not made.is_alive)
    assert (tmp_path / "child.log.1").read_text() == "much\n"
    assert made.log.read_text() == "new\n"
