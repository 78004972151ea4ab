"""How a transaction begins and ends, the same for SQLite and PostgreSQL.

A writing transaction on SQLite says BEGIN IMMEDIATE: a deferred one that reads first and then wants
to write fails at once when another has written in between, however long `busy_timeout` is.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic_core import from_json
from sqlalchemy import Connection, create_engine, event, inspect, make_url, text
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session

from store import changes, counters, notices
from store.errors import SchemaError, UnsuitablePlace
from store.tables import SCHEMA_VERSION

UNAVAILABLE = (OperationalError, InterfaceError, PoolTimeoutError)
"""What is raised when the database does not answer, or not now: it cannot be reached, is locked,
read-only or full. Its other errors are of our making: a defect.
"""
_READ_ONLY = "25006"
"""SQLSTATE of a server that takes no writes, as one that is about to take another's place."""

BUSY_TIMEOUT_S = 30
NETWORK_FILE_SYSTEMS = frozenset(
    {"nfs", "nfs4", "cifs", "smb", "smb3", "smbfs", "9p", "afs", "ceph", "lustre", "gpfs", "ncpfs"}
    | {"glusterfs", "beegfs", "panfs", "pvfs2", "orangefs", "davfs"}
    | {f"fuse.{name}" for name in ("sshfs", "glusterfs", "ceph", "s3fs", "gcsfuse", "rclone")}
)
_SQLITE_PRAGMAS = (
    f"PRAGMA busy_timeout = {BUSY_TIMEOUT_S * 1000}",
    "PRAGMA journal_mode = WAL",
    # With a write-ahead log NORMAL survives any kill of a process; a power cut may take back the
    # last commits, but damages nothing.
    "PRAGMA synchronous = NORMAL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA cache_size = -16000",
    "PRAGMA journal_size_limit = 67108864",
)


class Database:
    """A database by its SQLAlchemy URL, with a pool of connections.

    `pool_size` is the number of threads that may hold one at a time. Reading sees one snapshot;
    writing commits at the end of the block and rolls back when the block raises.
    """

    def __init__(self, url: str, *, pool_size: int = 5) -> None:
        self.url = url
        self.on_deliveries: Callable[[], object] = lambda: None
        """Called after a commit that wrote deliveries to webhooks."""
        address = make_url(url)
        self.dialect = address.get_backend_name()
        options: dict[str, Any] = {
            "pool_size": pool_size,
            "max_overflow": 5,
            "json_deserializer": from_json,  # twice as fast as json.loads
            "hide_parameters": True,  # secrets, and what users wrote, are nothing for a log
        }
        if self.dialect == "sqlite":
            if address.database:
                refuse_network_file_system(Path(address.database))
            options["connect_args"] = {"timeout": BUSY_TIMEOUT_S, "check_same_thread": False}
        else:
            options |= {"pool_pre_ping": True, "connect_args": {"connect_timeout": 5}}
        self.engine = create_engine(address, **options)
        event.listen(self.engine, "handle_error", _unavailable_if_read_only, retval=True)
        if self.dialect == "sqlite":
            event.listen(self.engine, "connect", _prepare_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)
            self._reader = self.engine.execution_options(colrow_begin="BEGIN")
            self._writer = self.engine.execution_options(colrow_begin="BEGIN IMMEDIATE")
        else:
            self._reader = self.engine.execution_options(isolation_level="REPEATABLE READ")
            self._writer = self.engine.execution_options(isolation_level="READ COMMITTED")

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Open a transaction that only reads, on one snapshot."""
        with Session(self._reader, autoflush=False) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Open a writing transaction; changes noted in it are numbered just before the commit."""
        with Session(self._writer, expire_on_commit=False) as session, session.begin():
            # SQLAlchemy begins at the first statement; here the lock is wanted from the start.
            session.connection()
            yield session
            session.flush()
            notices.write(session)
            counters.write(session)
            changes.number(session)
        if notices.were_made(session):
            self.on_deliveries()

    def ping(self) -> None:
        """Raise sqlalchemy.exc.OperationalError when the database does not answer."""
        with self._reader.connect() as connection:
            connection.execute(text("SELECT 1"))

    def close(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()


def brief(error: Exception) -> str:
    """Say what the database said, in one line: without the statement, which may be long."""
    said = getattr(error, "orig", None) or error
    return next(iter(str(said).splitlines()), "")[:300]


def _unavailable_if_read_only(context: ExceptionContext) -> Exception | None:
    """Take a server that only reads for one that is away; its driver calls that internal."""
    cause = context.original_exception
    if getattr(cause, "sqlstate", None) != _READ_ONLY:
        return None
    return OperationalError(context.statement, None, cause, hide_parameters=True)


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # pysqlite must not begin transactions of its own
    for pragma in _SQLITE_PRAGMAS:
        connection.execute(pragma)


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("colrow_begin", "BEGIN"))


def check_schema(database: Database) -> None:
    """Raise SchemaError unless the tables are exactly those this program knows."""
    with database.engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            raise SchemaError("the database has no tables yet; run `colrow db upgrade`")
        found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    if found is None or found < SCHEMA_VERSION:
        raise SchemaError(
            f"the database has schema {found or 'none'} and this program needs {SCHEMA_VERSION}; "
            "run `colrow db upgrade` (take a backup first)"
        )
    if found > SCHEMA_VERSION:
        raise SchemaError(
            f"this database was written by a newer Colrow: its schema is {found}, this program "
            f"knows {SCHEMA_VERSION}; install the newer version, or use another data folder"
        )


def refuse_network_file_system(path: Path, *, mounts: str | None = None) -> None:
    """Raise UnsuitablePlace when `path` lies on a network file system.

    SQLite's write-ahead log needs memory shared by all its processes, which such a file system
    does not give. `mounts` is text in the form of /proc/mounts, which is read when it is left out.
    """
    if mounts is None:
        table = Path("/proc/mounts")
        mounts = table.read_text() if table.exists() else ""
    target = path.resolve()
    best, kind = Path("/"), ""
    for line in mounts.splitlines():
        fields = line.split()
        if len(fields) < 3:
            continue
        point = Path(fields[1].replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\"))
        if (target == point or point in target.parents) and len(point.parts) >= len(best.parts):
            best, kind = point, fields[2]
    if kind in NETWORK_FILE_SYSTEMS:
        raise UnsuitablePlace(
            f"{path} lies on a network file system ({kind}, mounted at {best}), where SQLite's "
            "write-ahead log does not work; choose a folder on a local disk, or set "
            "COLROW_DATABASE_URL to a PostgreSQL database"
        )
