"""Where `colrow up` cannot start it says so in one sentence, and nothing is lost."""

import contextlib
import os
import re
import sqlite3
import subprocess
from pathlib import Path

import pytest

from colrow.client import Client

pytestmark = pytest.mark.system


def test_a_second_up_on_the_same_folder_is_refused_and_the_first_stays(up):
    first = up().wait_until_ready()
    told = up().refusal()
    assert f"another `colrow up` (process {first.process.pid}, {first.url}) uses" in told
    with Client(first.url) as client:
        assert client.catalog()


def test_a_second_up_on_the_same_port_is_refused_and_the_first_stays(up, tmp_path):
    first = up().wait_until_ready()
    port = first.url.rpartition(":")[2]
    told = up("--port", port, data=tmp_path / "other").refusal()
    assert f"port {port} on 127.0.0.1 is in use" in told
    assert not (tmp_path / "other").exists()
    with Client(first.url) as client:
        assert client.catalog()


def test_a_data_folder_that_cannot_be_written_to_is_told(up):
    # Nobody can make a folder there, root included.
    told = up(data=Path("/sys/colrow")).refusal()
    assert re.search(r"the data folder /sys/colrow cannot be (written to|used)", told)
    assert "choose another with --data or COLROW_HOME" in told


def test_a_full_disk_is_told(up, tmp_path):
    (tmp_path / "small").mkdir()
    mount = f'mount -t tmpfs -o size=256k none {tmp_path}/small && exec "$@"'
    prefix = ("unshare", "-m" if os.geteuid() == 0 else "-rm", "sh", "-c", mount, "sh")
    trial = subprocess.run([*prefix, "true"], capture_output=True, check=False)
    if trial.returncode == 0:
        told = up(data=tmp_path / "small" / "data", prefix=prefix).refusal()
        assert "small/data is full: Colrow needs at least" in told
    else:  # where nothing may be mounted, a limit on the size of files stands for the disk
        limit = ("sh", "-c", 'ulimit -f 1 && exec "$@"', "sh")
        assert "cannot be used" in up(data=tmp_path / "data", prefix=limit).refusal()


def test_a_file_in_the_place_of_the_data_folder_is_told(up, tmp_path):
    (tmp_path / "file").touch()
    assert "is a file, or lies below one" in up(data=tmp_path / "file").refusal()


def test_a_database_of_a_newer_schema_is_told_and_left_as_it_is(up):
    service = up().wait_until_ready()
    assert service.stop() == 0
    path = service.data / "colrow.db"
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    again = up()
    assert "was written by a newer Colrow: its schema is 9999" in again.refusal()
    assert not again.processes()
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == ("9999",)
