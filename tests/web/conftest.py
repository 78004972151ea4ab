"""The real api process on a real database, opened in Chromium."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

import migrations
from store import tokens
from store.session import Database
from tests.web.bench import Bench, Lab
from tests.web.browser import PHONE, Api, Visit, chromium, visiting


@pytest.fixture(scope="session")
def _empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("web") / "colrow.db"
    migrations.upgrade(f"sqlite:///{path}")
    return path


# Playwright keeps an event loop running in this thread for as long as it lives, beside which no
# other test could start one: so one browser per file, not per session.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as made:
        yield made


def _bench(url: str) -> Iterator[Bench]:
    database, api = Database(url), Api(url).start()
    yield Bench(database, api)
    api.stop()
    database.close()


@pytest.fixture
def fresh_database_url(_empty_database: Path, tmp_path: Path) -> str:
    """A database of one's own, without a row."""
    path = tmp_path / "colrow.db"
    shutil.copyfile(_empty_database, path)
    return f"sqlite:///{path}"


@pytest.fixture
def bench(fresh_database_url: str) -> Iterator[Bench]:
    """A service without a job."""
    yield from _bench(fresh_database_url)


def served(empty_database: Path, folder: Path) -> Iterator[Bench]:
    """Serve a copy of an empty database; for fixtures."""
    path = folder / "colrow.db"
    shutil.copyfile(empty_database, path)
    yield from _bench(f"sqlite:///{path}")


@pytest.fixture(scope="module")
def trained(_empty_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A service with a sweep that is done; for tests that only look."""
    for made in served(_empty_database, tmp_path_factory.mktemp("trained")):
        made.sweep()
        yield made


@pytest.fixture
def lab(fresh_database_url: str) -> Iterator[Lab]:
    """A service that asks for a token."""
    database = Database(fresh_database_url)
    with database.write() as session:
        tokens.issue(session, "root", "admin", expires_in_s=3600)
    api = Api(fresh_database_url, COLROW_PRIVATE="1").start()
    yield Lab(api, database)
    api.stop()
    database.close()


@pytest.fixture
def visit(browser: Browser, bench: Bench) -> Iterator[Visit]:
    with visiting(browser, bench.api.url) as made:
        yield made


@pytest.fixture
def look(browser: Browser, trained: Bench) -> Iterator[Visit]:
    with visiting(browser, trained.api.url) as made:
        yield made


@pytest.fixture
def phone(browser: Browser, trained: Bench) -> Iterator[Visit]:
    with visiting(browser, trained.api.url, viewport=PHONE, color_scheme="dark") as made:
        yield made
