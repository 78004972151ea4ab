"""Databases for tests, and tests that are left out where a service is missing.

`database` is migrated and empty, once on SQLite and once on PostgreSQL (COLROW_TEST_POSTGRES, its
default is the local server). A test that needs a service that may not be there says so:

    @pytest.mark.needs("redis")
    pytest.param("cluster", marks=pytest.mark.needs("postgresql", "redis"))

Where it does not answer these tests are deselected, and counted at the end under "left out"; other
conftests add their own counts to the dictionary `config.left_out`. With `--nothing-left-out`
that is a failure.
"""

import os
import shutil
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import make_url

import migrations
from store.session import Database
from store.tables import Base
from tests import own_package
from tests.object_store import Bucket, S3Server, enter, make_bucket

POSTGRES = os.environ.get(
    "COLROW_TEST_POSTGRES", "postgresql+psycopg://postgres@127.0.0.1:5432/postgres"
)
REDIS = os.environ.get("COLROW_TEST_REDIS", "redis://127.0.0.1:6379")
CHROMIUM = os.environ.get("COLROW_TEST_CHROMIUM", "chromium")


def _postgresql_answers() -> bool:
    try:
        psycopg.connect(_plain(POSTGRES), connect_timeout=3).close()
    except psycopg.OperationalError:
        return False
    return True


def _redis_answers() -> bool:
    address = urlsplit(REDIS)
    try:
        with socket.create_connection((address.hostname, address.port or 6379), 3) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith((b"+PONG", b"-NOAUTH"))
    except OSError:
        return False


# Several test processes share the cores; threads of torch that spin while they wait would stop all.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

SERVICES: dict[str, tuple[str, Callable[[], bool]]] = {
    "postgresql": ("PostgreSQL", _postgresql_answers),
    "redis": ("Redis", _redis_answers),
    "chromium": ("Chromium", lambda: shutil.which(CHROMIUM) is not None),
    "openssl": ("OpenSSL", lambda: shutil.which("openssl") is not None),
}
"""Title of each service, and whether it can be had."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--nothing-left-out", action="store_true", help="fail if a test is left out")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", f"needs(service, ...): one of {', '.join(SERVICES)}")
    config.__dict__.setdefault("left_out", {})


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests whose service is missing, and remember how many they were."""
    needs = {
        item.nodeid: [name for mark in item.iter_markers("needs") for name in mark.args]
        for item in items
    }
    wanted = {name for names in needs.values() for name in names}
    absent = {name for name in wanted if not SERVICES[name][1]()}
    out = [item for item in items if absent.intersection(needs[item.nodeid])]
    if not out:
        return
    config.hook.pytest_deselected(items=out)
    gone = {item.nodeid for item in out}
    items[:] = [item for item in items if item.nodeid not in gone]
    counts = Counter(SERVICES[n][0] for item in out for n in needs[item.nodeid] if n in absent)
    config.__dict__["left_out"] |= counts


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Send the counts from a process of xdist to the one that prints, which may fail by them."""
    output = getattr(session.config, "workeroutput", None)
    left_out = session.config.__dict__["left_out"]
    if output is not None:
        output["left_out"] = dict(left_out)
    elif left_out and session.config.getoption("--nothing-left-out"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    # Every process collects the same tests, so any one's counts are those of all.
    node.config.__dict__["left_out"] |= getattr(node, "workeroutput", {}).get("left_out", {})


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    left_out: dict[str, int] = config.__dict__["left_out"]
    if left_out:
        terminalreporter.section("left out")
        for title, count in sorted(left_out.items()):
            terminalreporter.line(f"{title}: {count} tests")
        terminalreporter.line("make system-deps brings PostgreSQL, Redis and Chromium (apt)")


@pytest.fixture(scope="session")
def example_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the example package (tests/example_package) is installed; on nobody's path yet."""
    return own_package.install(tmp_path_factory.mktemp("example"))


@pytest.fixture
def example(example_folder: Path) -> Iterator[Path]:
    """The example package, installed for this process."""
    with own_package.on_the_path(example_folder):
        yield example_folder


@pytest.fixture(scope="session")
def _s3_server() -> Iterator[S3Server]:
    server = S3Server()
    yield server
    server.stop()


@pytest.fixture
def bucket(_s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    """A bucket of a real S3 server; this process and those it starts reach it."""
    enter(_s3_server, monkeypatch)
    yield make_bucket(_s3_server)
    _s3_server.thaw()


def _plain(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


@contextmanager
def postgresql_database(name: str) -> Iterator[str]:
    """Make a database on the server and drop it at the end, whoever is still connected."""
    with psycopg.connect(_plain(POSTGRES), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        setting = sql.SQL("ALTER DATABASE {} SET synchronous_commit = off")
        connection.execute(setting.format(sql.Identifier(name)))  # it need not outlive a power cut
    try:
        yield make_url(POSTGRES).set(database=name).render_as_string(hide_password=False)
    finally:
        with psycopg.connect(_plain(POSTGRES), autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="session")
def _own_name(worker_id: str) -> str:
    return f"colrow_test_{os.getpid()}_{worker_id}"


@pytest.fixture(scope="session")
def _migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("migrated") / "colrow.db"
    migrations.upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def _migrated_postgresql(_own_name: str) -> Iterator[str]:
    with postgresql_database(_own_name) as url:
        migrations.upgrade(url)
        yield url


@pytest.fixture(
    params=["sqlite", pytest.param("postgresql", marks=pytest.mark.needs("postgresql"))]
)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Give the address of a migrated database without a row, on each of the two kinds in turn."""
    if request.param == "sqlite":
        path = tmp_path / "colrow.db"
        shutil.copyfile(request.getfixturevalue("_migrated_sqlite"), path)
        return f"sqlite:///{path}"
    url: str = request.getfixturevalue("_migrated_postgresql")
    _empty(url)
    return url


def _empty(url: str) -> None:
    with psycopg.connect(_plain(url)) as connection:
        connection.execute("SET lock_timeout = '10s'")
        for table in reversed(Base.metadata.sorted_tables):  # TRUNCATE makes new files of all
            connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table.name)))
        connection.execute("INSERT INTO scheduler (id, claims) VALUES (1, 0)")
        connection.execute("INSERT INTO change_head (id, seq, trimmed) VALUES (1, 0, 0)")
        connection.execute("INSERT INTO storage (id, held_until) VALUES (1, 0)")


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A migrated, empty database, on SQLite and on PostgreSQL."""
    made = Database(database_url, pool_size=10)
    yield made
    made.close()


@pytest.fixture(
    params=["sqlite", pytest.param("postgresql", marks=pytest.mark.needs("postgresql"))]
)
def bare_url(request: pytest.FixtureRequest, tmp_path: Path, _own_name: str) -> Iterator[str]:
    """Give the address of a database that has no tables yet."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'bare.db'}"
    else:
        with postgresql_database(f"{_own_name}_bare") as url:
            yield url
