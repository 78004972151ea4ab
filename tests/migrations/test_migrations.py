import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text

import migrations
from store.errors import SchemaError, UnsuitablePlace
from store.session import Database, check_schema, refuse_network_file_system
from store.tables import SCHEMA_VERSION, Base

SHARED = "server:/data /mnt/lab nfs4 rw 0 0\n"
LOCAL = "/dev/sda1 / ext4 rw 0 0\n"


@pytest.fixture
def bare(bare_url: str):
    made = Database(bare_url)
    yield made
    made.close()


def set_version(database: Database, version: str) -> None:
    with database.engine.connect() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :v"), {"v": version})
        connection.commit()


def test_migrations_lead_to_the_tables_of_the_program(bare):
    migrations.upgrade(bare.url)
    with bare.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_tables_name_the_newest_migration():
    assert migrations.head() == SCHEMA_VERSION


def test_upgrading_twice_changes_nothing(bare):
    assert migrations.current(bare.url) is None
    migrations.upgrade(bare.url)
    migrations.upgrade(bare.url)
    assert migrations.current(bare.url) == migrations.head()
    with bare.engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM scheduler")).scalar() == 1


def test_upgrades_at_once_wait_for_each_other(bare):
    with ThreadPoolExecutor(4) as pool:
        for upgrade in [pool.submit(migrations.upgrade, bare.url) for _ in range(4)]:
            upgrade.result()
    check_schema(bare)


def test_a_failed_upgrade_leaves_nothing_behind(bare):
    with bare.engine.connect() as connection:
        connection.execute(text("CREATE TABLE summaries (x INTEGER)"))  # in the way
        connection.commit()
    with pytest.raises(Exception, match="summaries"):
        migrations.upgrade(bare.url)
    with bare.engine.connect() as connection:
        connection.execute(text("DROP TABLE summaries"))
        connection.commit()
    assert migrations.current(bare.url) is None
    migrations.upgrade(bare.url)
    check_schema(bare)


def test_a_database_without_tables_is_refused(bare):
    with pytest.raises(SchemaError, match="no tables yet; run `colrow db upgrade`"):
        check_schema(bare)


def test_an_older_schema_is_refused_and_says_how_to_upgrade(bare):
    migrations.upgrade(bare.url)
    set_version(bare, "0000")
    with pytest.raises(SchemaError, match=r"has schema 0000 .* needs 0002; run `colrow db up"):
        check_schema(bare)


def test_a_newer_schema_is_refused_and_left_as_it_is(bare):
    migrations.upgrade(bare.url)
    set_version(bare, "9999")
    migrations.upgrade(bare.url)
    assert migrations.current(bare.url) == "9999"
    with pytest.raises(SchemaError, match="written by a newer Colrow: its schema is 9999"):
        check_schema(bare)


def test_sqlite_keeps_points_without_a_row_number(tmp_path: Path):
    path = tmp_path / "colrow.db"
    migrations.upgrade(f"sqlite:///{path}")
    connection = sqlite3.connect(path)
    statement = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'points'").fetchone()
    mode = connection.execute("PRAGMA journal_mode").fetchone()
    connection.close()
    assert "WITHOUT ROWID" in statement[0]
    assert mode == ("wal",)


def test_a_network_file_system_is_refused_with_advice():
    with pytest.raises(UnsuitablePlace, match=r"\(nfs4, mounted at /mnt/lab\).*PostgreSQL"):
        refuse_network_file_system(Path("/mnt/lab/colrow/colrow.db"), mounts=LOCAL + SHARED)


@pytest.mark.parametrize(
    ("path", "mounts"),
    [
        ("/home/ada/colrow.db", LOCAL + SHARED),
        ("/mnt/laboratory/colrow.db", LOCAL + SHARED),
        ("/mnt/lab/scratch/colrow.db", LOCAL + SHARED + "/dev/sdb1 /mnt/lab/scratch xfs rw 0 0\n"),
        ("/mnt/lab/colrow.db", SHARED + "/dev/sdb1 /mnt/lab ext4 rw 0 0\n"),
        ("/mnt/lab/colrow.db", ""),
    ],
)
def test_a_local_file_system_is_accepted(path, mounts):
    refuse_network_file_system(Path(path), mounts=mounts)


def test_a_mount_point_with_a_space_is_understood():
    with pytest.raises(UnsuitablePlace, match="mounted at /mnt/our lab"):
        refuse_network_file_system(
            Path("/mnt/our lab/x.db"), mounts="server:/x /mnt/our\\040lab cifs rw 0 0\n"
        )
