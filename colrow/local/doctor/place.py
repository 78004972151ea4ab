"""What the doctor looks at: addresses and folders, and whether a `colrow up` runs on them."""

import contextlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

from colrow.local import valkey
from colrow.local.folder import DataFolder
from colrow.settings import DEFAULT_HOST, Settings


@dataclass(frozen=True)
class Wanted:
    """What was asked for on the command line."""

    deep: bool = False
    as_json: bool = False
    database: str | None = None
    broker: str | None = None
    data: Path | None = None
    server: str | None = None


@dataclass(frozen=True)
class Up:
    """A `colrow up` that runs."""

    pid: int
    url: str | None
    runtime: Path


@dataclass(frozen=True)
class Place:
    """One installation as this machine sees it."""

    database_url: str
    broker_url: str | None
    """None: the embedded one, which does not run."""
    home: Path
    storage: str | None
    """Where the files of jobs are brought; None: the home."""
    datasets: Path
    server: str
    is_server_given: bool
    """Whether somebody said where the api is; else it is looked for where it usually is."""
    host: str
    port: int
    devices: str | None
    up: Up | None
    is_embedded: bool
    """Whether `colrow up` is what runs here; else the parts are started one by one."""
    deep: bool


def look(settings: Settings, wanted: Wanted) -> Place:
    """Put together what is to be looked at."""
    home = wanted.data or settings.home
    database, broker = (
        wanted.database or settings.database_url,
        wanted.broker or settings.broker_url,
    )
    up = _running(home)
    server = wanted.server or (up.url if up and up.url else None) or settings.server
    usual = f"http://{DEFAULT_HOST}:{settings.port}"
    return Place(
        database_url=database or DataFolder(home).database_url,
        broker_url=broker or (valkey.broker_url(up.runtime) if up else None),
        home=home,
        storage=settings.storage,
        datasets=settings.datasets(wanted.data),
        server=server,
        is_server_given=wanted.server is not None or (server != usual and up is None),
        host=settings.host,
        port=settings.port,
        devices=settings.devices,
        up=up,
        is_embedded=broker is None,
        deep=wanted.deep,
    )


def _running(home: Path) -> Up | None:
    """Read who uses the data folder; the lock itself is not touched, which could be in the way."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        holder = json.loads((home / "up.lock").read_text())
        pid = int(holder["pid"])
        os.kill(pid, 0)
        if b"colrow" in Path(f"/proc/{pid}/cmdline").read_bytes():
            return Up(pid, holder.get("url"), Path(holder["runtime"]))
    return None
