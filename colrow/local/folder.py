"""The data folder of `colrow up`: what is in it, whether it can be used, and who uses it."""

import errno
import fcntl
import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from sqlalchemy import URL

from colrow.errors import LocalError
from store.errors import UnsuitablePlace
from store.session import refuse_network_file_system

LEAST_FREE_BYTES = 32 << 20
_TRIAL = b"\0" * 65_536


@dataclass(frozen=True)
class DataFolder:
    """Paths inside the data folder."""

    path: Path

    @property
    def database_url(self) -> str:
        """SQLAlchemy URL of the SQLite file."""
        url = URL.create("sqlite", database=str(self.path / "colrow.db"))
        return url.render_as_string(hide_password=False)

    @property
    def broker(self) -> Path:
        """Valkey's append-only file."""
        return self.path / "broker"

    @property
    def logs(self) -> Path:
        """What api, workers and Valkey say."""
        return self.path / "logs"


def prepare(path: Path, *, database_url: str | None = None) -> DataFolder:
    """Make the folder if it is missing. Raises LocalError when it cannot hold our data.

    `database_url` names a database elsewhere, and the folder then need not be fit for one.
    """
    path = Path(os.path.abspath(path))  # noqa: PTH100 - symbolic links stay
    try:
        if database_url is None:
            refuse_network_file_system(path)
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path) as trial:
            trial.write(_TRIAL)
            trial.flush()
            os.fsync(trial.fileno())
        free_bytes = shutil.disk_usage(path).free
        if free_bytes < LEAST_FREE_BYTES:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        folder = DataFolder(path)
        folder.broker.mkdir(exist_ok=True)
        folder.logs.mkdir(exist_ok=True)
    except UnsuitablePlace as error:
        raise LocalError(str(error)) from None
    except OSError as error:
        raise LocalError(_sentence(path, error)) from None
    return folder


def _sentence(path: Path, error: OSError) -> str:
    other = "choose another with --data or COLROW_HOME"
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            return (
                f"the disk of the data folder {path} is full: Colrow needs at least "
                f"{LEAST_FREE_BYTES >> 20} MiB free there; make room, or {other}"
            )
        case errno.EROFS | errno.EACCES | errno.EPERM:
            return f"the data folder {path} cannot be written to ({error.strerror}); {other}"
        case errno.EEXIST | errno.ENOTDIR:
            return f"the data folder {path} is a file, or lies below one; {other}"
        case _:
            return f"the data folder {path} cannot be used: {error.strerror or error}; {other}"


class Lock:
    """One `colrow up` at most uses a data folder. Held until the process ends, however it does."""

    def __init__(self, folder: DataFolder) -> None:
        """Take the lock. Raises LocalError, naming the holder."""
        file: IO[str] = (folder.path / "up.lock").open("a+")
        file.seek(0)
        written = file.read()
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            holder = _read(written)
            raise LocalError(
                f"another `colrow up` (process {holder.get('pid', 'unknown')}, "
                f"{holder.get('url', 'still starting')}) uses the data folder {folder.path}; "
                "use that one, stop it, or choose another folder with --data"
            ) from None
        self._file = file
        # What a holder that was killed could not remove.
        self.left_behind = _read(written).get("runtime")

    def tell(self, **holder: object) -> None:
        """Write down who holds it, for the message that a second one gets."""
        self._file.truncate(0)
        self._file.write(json.dumps({"pid": os.getpid(), **holder}))
        self._file.flush()

    def release(self) -> None:
        """Give it back; the file stays, so that nobody locks one that is about to vanish."""
        self._file.truncate(0)
        self._file.close()


def _read(text: str) -> dict[str, str]:
    try:
        holder = json.loads(text)
    except ValueError:
        return {}
    return holder if isinstance(holder, dict) else {}
