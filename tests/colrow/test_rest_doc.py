"""The lines of docs/rest.md do what they say, by a real api that asks for a token."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import migrations
from store import tokens
from store.session import Database
from tests.colrow.conftest import free_port, wait_for_api

DOC = Path(__file__).parents[2] / "docs" / "rest.md"


@pytest.fixture
def private(tmp_path):
    """A service that asks for a token: its address, and an admin's."""
    url = f"sqlite:///{tmp_path}/colrow.db"
    migrations.upgrade(url)
    database = Database(url)
    with database.write() as session:
        secret = tokens.issue(session, "root", "admin", expires_in_s=3600).secret
    database.close()
    kept = {k: v for k, v in os.environ.items() if not k.startswith("COLROW_")}
    port = free_port()
    said = {
        "COLROW_DATABASE_URL": url, "COLROW_HOME": str(tmp_path), "COLROW_PORT": str(port),
        "COLROW_PRIVATE": "1",
    }  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-m", "api"], env=kept | said, stderr=subprocess.DEVNULL
    )
    yield wait_for_api(process, port), secret
    process.terminate()
    process.wait(20)


def test_every_line_can_be_pasted_into_a_shell(private):
    server, secret = private
    script = "\n".join(re.findall(r"```sh\n(.*?)```", DOC.read_text(), re.DOTALL))
    assert script.count("api ") > 12
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        env=os.environ | {"SERVER": server, "TOKEN": secret, "NO_PROXY": "*"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout[-2000:]
    for told in ('"position":1', '"max_running":2', '"state":"cancelled"', "first try"):
        assert told in done.stdout
