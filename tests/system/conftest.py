"""A whole installation for a test: a real broker, a migrated database, real worker processes.

`installation` is the embedded profile (SQLite, Valkey on a unix socket), `cluster` the other one
(PostgreSQL, Redis); `either` runs a test on both. Leases are short, so that a lost worker is missed
soon.

    def test_something(installation):
        installation.start_worker()
        job_id = installation.submit(tiny_spec())
        job = installation.wait(job_id, "succeeded")
"""

import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import make_url

import migrations
from store.session import Database
from tests.system.installation import (
    POSTGRES,
    Installation,
    RedisDatabase,
    Valkey,
    plain,
    wait_until,
)
from tests.system.up import StartUp, Up


@pytest.fixture
def home() -> Iterator[Path]:
    # Not tmp_path: that is too long for the path of a socket.
    folder = Path(tempfile.mkdtemp(prefix="colrow-test-"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def valkey(home: Path) -> Iterator[Valkey]:
    folder = home / "broker"
    folder.mkdir()
    server = Valkey(folder)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def installation(home: Path, valkey: Valkey) -> Iterator[Installation]:
    """The embedded profile: SQLite and Valkey."""
    url = f"sqlite:///{home}/colrow.db"
    migrations.upgrade(url)
    made = Installation(home, url, valkey, Database(url))
    yield made
    made.close()


@pytest.fixture
def cluster(home: Path, worker_id: str) -> Iterator[Installation]:
    """The cluster profile: PostgreSQL and Redis. Ask for it with `needs("postgresql", "redis")`."""
    name = f"colrow_system_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(plain(POSTGRES), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    url = make_url(POSTGRES).set(database=name).render_as_string(hide_password=False)
    migrations.upgrade(url)
    number = 8 + int(worker_id.removeprefix("gw") or 0) % 8 if worker_id != "master" else 7
    made = Installation(home, url, RedisDatabase(number), Database(url))
    yield made
    made.close()
    with psycopg.connect(plain(POSTGRES), autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(
    params=["installation", pytest.param("cluster", marks=pytest.mark.needs("postgresql", "redis"))]
)
def either(request: pytest.FixtureRequest) -> Installation:
    """Each profile in turn."""
    made: Installation = request.getfixturevalue(request.param)
    return made


@pytest.fixture
def up(tmp_path: Path) -> Iterator[StartUp]:
    """Start `colrow up`, as often as wanted; the end of the test kills what is left."""
    started: list[Up] = []

    def start(*words: str, data: Path | None = None, **how: Any) -> Up:
        said = tmp_path / f"said-{len(started)}.txt"
        started.append(Up(data or tmp_path / "data", said, *words, **how))
        return started[-1]

    yield start
    for made in started:
        made.process.kill()
        made.process.wait()
    for made in started:
        wait_until(lambda made=made: not made.processes(), "nothing is left")
