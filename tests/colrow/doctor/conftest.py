"""A place for the doctor to look at, which the tests then break for real."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from colrow.local.doctor.finding import Finding
from colrow.local.doctor.place import Place
from tests.system.installation import Valkey

ROOT = Path(__file__).parents[3]


@pytest.fixture
def home() -> Iterator[Path]:
    # Not tmp_path: that is too long for a socket, and closed to other users.
    folder = Path(tempfile.mkdtemp(prefix="colrow-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def place(home: Path) -> Place:
    """An embedded one that was never started."""
    return Place(
        database_url=f"sqlite:///{home}/colrow.db",
        broker_url=None,
        home=home,
        storage=None,
        datasets=home / "datasets",
        server="http://127.0.0.1:9",
        is_server_given=False,
        host="127.0.0.1",
        port=0,
        devices=None,
        up=None,
        is_embedded=True,
        deep=False,
    )


@pytest.fixture
def cluster(place: Place, database_url: str) -> Place:
    """One on a database that is there, SQLite or PostgreSQL."""
    return replace(place, database_url=database_url, broker_url="redis://", is_embedded=False)


@pytest.fixture
def valkey(home: Path) -> Iterator[Valkey]:
    folder = home / "broker"
    folder.mkdir()
    server = Valkey(folder)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def powerless(home: Path) -> Iterator[tuple[str, ...]]:
    """Take the right to write the home away; gives what to put before a command.

    Root may write everything, until it has given up the capability for that.
    """
    home.chmod(0o555)
    drop = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")
    yield drop if os.geteuid() == 0 else ()
    home.chmod(0o755)


def only(findings: list[Finding]) -> Finding:
    """Give the one finding."""
    (found,) = findings
    return found


def faults(findings: list[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.status == "fault"]


@pytest.fixture
def run_doctor() -> Callable[..., tuple[Any, int]]:
    """Run the command; give what it says (JSON, read) and its exit status."""

    def run(*words: str, prefix: tuple[str, ...] = (), as_json: bool = True) -> tuple[Any, int]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith("COLROW_")}
        command = [*prefix, sys.executable, "-m", "colrow", "doctor", *words]
        done = subprocess.run(
            [*command, *(["--json"] if as_json else [])],
            capture_output=True,
            text=True,
            check=False,
            env=kept | {"COLROW_PORT": str(_free_port()), "COLUMNS": "200"},
            cwd=ROOT,
        )
        assert done.stdout, done.stderr
        return json.loads(done.stdout) if as_json else done.stdout, done.returncode

    return run


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
