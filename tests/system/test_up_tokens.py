"""`colrow up` where a login is needed: for oneself alone, and for others."""

import os
import stat
import subprocess
import sys

import pytest

from colrow import credentials
from colrow.client import Client
from colrow.errors import ColrowError

pytestmark = pytest.mark.system


def call(data, *words):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("COLROW_")}
    return subprocess.run(
        [sys.executable, "-m", "colrow", *words],
        env=environment | {"COLROW_HOME": str(data)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_private_service_is_for_who_can_read_its_file(up):
    service = up("--port", "0", "--workers", "1", "--private").wait_until_ready()
    file = credentials.file_in(service.data)
    assert f"Sign in with its token in {file}" in service.words()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with Client(service.url, token="") as stranger, pytest.raises(ColrowError, match="a token"):
        stranger.catalog()
    with Client(service.url, token=credentials.token_for(file, service.url)) as owner:
        assert (owner.who_am_i()["user"], owner.who_am_i()["role"]) == ("local", "admin")
    assert call(service.data, "--server", service.url, "ls").returncode == 0


def test_for_other_machines_an_admin_comes_first(up, tmp_path):
    data = tmp_path / "data"
    words = ("--port", "0", "--workers", "1", "--host", "0.0.0.0")
    told = up(*words, data=data).refusal()
    assert "0.0.0.0 can be reached from other machines" in told
    assert "colrow token create --user NAME --role admin --expires 90d" in told
    made = call(data, "token", "create", "--user", "ada", "--role", "admin", "--expires", "90d")
    assert made.returncode == 0, made.stderr
    service = up(*words, data=data).wait_until_ready()
    assert "Everybody needs a token" in service.words()
    with Client(service.url, token=made.stdout.strip()) as client:
        assert client.who_am_i()["user"] == "ada"
    local = f"http://127.0.0.1:{service.url.rpartition(':')[2]}"
    with Client(local, token="") as stranger, pytest.raises(ColrowError, match="a token"):
        stranger.catalog()
