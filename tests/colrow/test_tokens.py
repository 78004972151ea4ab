"""`colrow token`, `login` and `logout`: on a database, and with a service that asks for a token."""

import os
import re
import stat
import subprocess
import sys
import time

import httpx
import pytest

import migrations
from colrow import credentials
from colrow.client import Client
from colrow.errors import ColrowError, LocalError
from colrow.local import token
from store import audit, tokens
from store.session import Database
from tests.colrow.conftest import free_port

SECRET = re.compile(r"colrow_[A-Za-z0-9_-]{43}\n")


@pytest.fixture
def url(tmp_path):
    made = f"sqlite:///{tmp_path}/home/colrow.db"
    (tmp_path / "home").mkdir(mode=0o700)
    migrations.upgrade(made)
    return made


def created(colrow, *words):
    ended = colrow("token", "create", *words)
    assert ended.code == 0, ended.err
    assert SECRET.fullmatch(ended.out)
    return ended.out.strip(), re.search(r"id ([0-9a-f-]{36})", ended.err)[1]


def test_a_token_is_printed_alone_and_once(colrow, url):
    secret, ident = created(colrow, "--user", "ada", "--role", "admin", "--name", "my laptop")
    database = Database(url)
    with database.read() as session:
        found = tokens.find(session, secret)
    database.close()
    assert (found.user, found.role, found.name, found.id) == ("ada", "admin", "my laptop", ident)
    assert found.expires_at - found.created_at == pytest.approx(90 * 86_400, abs=1)
    listed = colrow("token", "list").out
    assert ident in listed
    assert "my laptop" in listed
    assert secret not in listed


def test_a_token_is_revoked_and_the_last_admin_is_noticed(colrow, failing, url):
    _, ident = created(colrow, "--user", "ada", "--role", "admin", "--expires", "30d")
    ended = colrow("token", "revoke", ident)
    assert ended.out == f"{ident} of ada revoked\n"
    assert "no admin has a valid token now" in ended.err
    assert "revoked" in colrow("token", "list").out
    assert colrow("token", "revoke", ident).code == 0
    again = colrow("token", "revoke", ident)
    assert (again.code, again.out) == (0, "")
    assert "was revoked already, 20" in again.err
    told = failing("token", "revoke", "x")
    assert "there is no token 'x'; `colrow token list` lists those there are" in told


def test_what_is_done_to_tokens_here_is_in_the_audit_log(colrow, url):
    _, ident = created(colrow, "--user", "ada", "--role", "admin")
    colrow("token", "revoke", ident)
    database = Database(url)
    with database.read() as session:
        entries = audit.read(session).items
    database.close()
    assert [(e.method, e.path, e.token_id) for e in entries] == [
        ("command", "colrow token revoke", ident),
        ("command", "colrow token create", ident),
    ]
    assert entries[0].detail.startswith("token of ada (admin), by ")


def test_a_database_elsewhere_is_named(colrow, tmp_path):
    other = f"sqlite:///{tmp_path}/other.db"
    migrations.upgrade(other)
    created(colrow, "--user", "bob", "--role", "viewer", "--database", other)
    assert "bob" in colrow("token", "list", "--database", other).out


def test_no_tokens_are_told(colrow, url):
    assert "make one with: colrow token create" in colrow("token", "list").err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--user", "a b", "--role", "user"], "no name of a user"),
        (["--user", "ada", "--role", "root"], "--role"),
        (
            ["--user", "ada", "--role", "user", "--expires", "soon"],
            "--expires is 'soon'; write 30m",
        ),
        (["--user", "ada", "--role", "user", "--expires", "11y"], "up to 10y"),
        (["--user", "ada", "--role", "user", "--expires", "0d"], "--expires is '0d'"),
        (["--role", "user"], "--user"),
    ],
)
def test_a_token_that_cannot_be_is_told(failing, url, words, said):
    assert said in failing("token", "create", *words)


def test_a_database_without_tables_is_told(failing):
    assert "run `colrow db upgrade`" in failing("token", "list")


def test_a_database_that_cannot_be_reached_is_told_without_its_password(failing):
    bad = "postgresql+psycopg://u:geheim@127.0.0.1:9/x"
    told = failing("token", "list", "--database", bad)
    assert "cannot be used" in told
    assert "geheim" not in told


@pytest.mark.parametrize(
    ("said", "seconds"), [("30m", 1800), ("12h", 43_200), ("2w", 1_209_600), ("never", None)]
)
def test_a_time_is_read(said, seconds):
    assert token.seconds(said) == seconds


# The file of tokens


def test_tokens_are_kept_by_address_for_their_owner_alone(tmp_path):
    file = credentials.file_in(tmp_path / "new" / "home")
    assert credentials.read(file) == {}
    credentials.keep(file, "http://127.0.0.1:8750", "one")
    credentials.keep(file, "HTTPS://Lab.example/colrow/", "two")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert credentials.token_for(file, "http://127.0.0.1:8750/") == "one"
    assert credentials.token_for(file, "https://lab.example/colrow") == "two"
    assert credentials.token_for(file, "http://127.0.0.1:8751") is None
    credentials.keep(file, "http://127.0.0.1:8750", None)
    assert credentials.read(file) == {"https://lab.example/colrow": "two"}
    assert [path.name for path in file.parent.iterdir()] == ["tokens"]


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o602])
def test_a_file_that_others_can_read_is_refused(tmp_path, mode):
    file = tmp_path / "tokens"
    credentials.keep(file, "http://x", "one")
    file.chmod(mode)
    with pytest.raises(ColrowError, match="chmod 600"):
        credentials.token_for(file, "http://x")
    with pytest.raises(ColrowError, match="chmod 600"):
        credentials.keep(file, "http://x", "two")
    assert "two" not in file.read_text()


def test_a_private_service_keeps_its_token_as_long_as_it_is_good(url, tmp_path):
    file = tmp_path / "home" / "tokens"
    token.private(url, file, "http://127.0.0.1:1")
    first = credentials.token_for(file, "http://127.0.0.1:1")
    token.private(url, file, "http://127.0.0.1:1")
    token.private(url, file, "http://127.0.0.1:2")
    assert credentials.token_for(file, "http://127.0.0.1:1") == first
    assert credentials.token_for(file, "http://127.0.0.1:2") == first
    database = Database(url)
    with database.write() as session:
        assert tokens.find(session, first).user == "local"
        tokens.revoke(session, tokens.find(session, first).id)
    token.private(url, file, "http://127.0.0.1:1")
    second = credentials.token_for(file, "http://127.0.0.1:1")
    assert second != first
    with database.read() as session:
        assert tokens.find(session, second).state == "valid"
    database.close()
    with pytest.raises(LocalError, match="no tables"):
        token.private(f"sqlite:///{tmp_path}/none.db", file, "http://x")


# Against a service


@pytest.fixture
def private_server(url):
    """Address of a real api process that asks for a token."""
    port = free_port()
    environment = {k: v for k, v in os.environ.items() if not k.startswith("COLROW_")}
    own = {"COLROW_DATABASE_URL": url, "COLROW_PORT": str(port), "COLROW_PRIVATE": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "api"], env=environment | own, stderr=subprocess.DEVNULL
    )
    address = f"http://127.0.0.1:{port}"
    end_s = time.monotonic() + 60
    while True:
        assert process.poll() is None
        assert time.monotonic() < end_s
        try:
            httpx.get(f"{address}/healthz", trust_env=False)
            break
        except httpx.TransportError:
            time.sleep(0.05)
    yield address
    process.terminate()
    process.wait(20)


def test_one_logs_in_works_and_logs_out(colrow, failing, url, request, monkeypatch, write, spec):
    secret, ident = created(colrow, "--user", "ada", "--role", "admin")
    server = request.getfixturevalue("private_server")
    assert "colrow login" in failing("--server", server, "ls")

    def log_in(text):
        reading, writing = os.pipe()
        os.write(writing, text.encode())
        os.close(writing)
        with os.fdopen(reading) as pipe:
            monkeypatch.setattr(sys, "stdin", pipe)
            return colrow("--server", server, "login")

    assert "no token came" in log_in("\n").err
    assert "no token of this service" in log_in("colrow_nonsense\n").err
    assert "colrow login" in failing("--server", server, "ls")
    ended = log_in(f"{secret}\n")
    assert ended.code == 0, ended.err
    assert f"{server} knows you as ada (admin, until 20" in ended.err
    assert colrow("--server", server, "ls").code == 0
    submitted = colrow("--server", server, "submit", write(spec()))
    assert submitted.code == 0
    with Client(server, token=secret) as client:
        assert client.job(submitted.out.strip())["owner"] == "ada"
        assert client.who_am_i()["by"] == "token"
    with Client(server, token="") as stranger, pytest.raises(ColrowError, match="show a token"):
        stranger.who_am_i()
    assert "is forgotten" in colrow("--server", server, "logout").err
    assert "no token is kept" in failing("--server", server, "logout")
    assert "colrow login" in failing("--server", server, "ls")
    assert colrow("--server", server, "--token", secret, "ls").code == 0
    monkeypatch.setenv("COLROW_TOKEN", secret)
    assert colrow("--server", server, "ls").code == 0
    colrow("token", "revoke", ident)
    assert "was revoked" in failing("--server", server, "ls")
