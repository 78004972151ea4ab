"""What `colrow token` does to the database, and the token of a private `colrow up`."""

import getpass
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer
from rich import box
from rich.table import Table
from rich.text import Text
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.orm import Session

from colrow import credentials, settings
from colrow.commands.session import console, note
from colrow.errors import LocalError
from colrow.figures import moment
from colrow.local import db, folder
from store import audit, owners, tokens
from store.errors import NotFound, StoreError
from store.session import Database, check_schema
from store.tokens import Role, TokenView

UNITS_S = {"m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400, "y": 365 * 86_400}
LONGEST_S = 10 * UNITS_S["y"]


def address(database: str | None, data: Path | None) -> str:
    """Give the database's address: the one named, or that of the data folder."""
    here = settings.read()
    return database or here.database_url or folder.prepare(data or here.home).database_url


def create(url: str, *, user: str, role: Role, expires: str, name: str) -> None:
    """Make a token and print it. Raises LocalError."""
    expires_in_s = seconds(expires)
    with _writing(url) as session:
        made = tokens.issue(session, user, role, expires_in_s=expires_in_s, name=name)
        _enter(session, "create", made.token)
    typer.echo(made.secret)
    note(
        f"a token of {user} ({role}, {_until(made.token)}), id {made.token.id}; it is not shown "
        "again. Use it with `colrow login`, or paste it into the page"
    )


def show(url: str) -> None:
    """Print every token. Raises LocalError."""
    table = Table("id", "user", "role", "state", "ends", "last used", "name", box=box.SIMPLE)
    with _open(url) as database, database.read() as session:
        cursor = None
        while True:
            page = tokens.list_tokens(session, limit=1000, cursor=cursor)
            for token in page.items:
                ends = "never" if token.expires_at is None else moment(token.expires_at)
                used = "never" if token.last_used_at is None else moment(token.last_used_at)
                table.add_row(
                    token.id, token.user, token.role, token.state, ends, used, Text(token.name)
                )
            cursor = page.next
            if cursor is None:
                break
    if table.row_count == 0:
        note("there are no tokens; make one with: colrow token create --user NAME --role admin")
        return
    console().print(table)


def revoke(url: str, token_id: str) -> None:
    """End a token. Raises LocalError."""
    with _writing(url) as session:
        try:
            before = tokens.get(session, token_id)
        except NotFound as error:
            raise LocalError(f"{error}; `colrow token list` lists those there are") from None
        if before.revoked_at is not None:
            note(f"{before.id} of {before.user} was revoked already, {moment(before.revoked_at)}")
            return
        token = tokens.revoke(session, token_id)
        _enter(session, "revoke", token)
        left = tokens.has_admin(session)
    typer.echo(f"{token.id} of {token.user} revoked")
    if not left:
        note(
            "no admin has a valid token now; where a login is needed the service will not start "
            "again before one is made: colrow token create --user NAME --role admin"
        )


def private(url: str, file: Path, server: str) -> None:
    """Have an admin's token for a server in the file, an old one while it is good.

    Raises LocalError, ColrowError.
    """
    kept = credentials.read(file)
    with _writing(url) as session:
        for secret in (kept.get(server), *kept.values()):
            found = tokens.find(session, secret) if secret else None
            if secret and found and found.state == "valid" and found.role == "admin":
                break
        else:
            name = "colrow up --private"
            made = tokens.issue(session, owners.LOCAL, "admin", expires_in_s=None, name=name)
            _enter(session, "create", made.token)
            secret = made.secret
    credentials.keep(file, server, secret)


def seconds(expires: str) -> float | None:
    """Read how long a token is to hold; None for never. Raises LocalError."""
    if expires == "never":
        return None
    match = re.fullmatch(r"(\d{1,6})([mhdwy])", expires)
    found = int(match[1]) * UNITS_S[match[2]] if match else 0
    if not 0 < found <= LONGEST_S:
        raise LocalError(
            f"--expires is {expires!r}; write 30m, 12h, 30d, 8w or 1y and the like, up to 10y, "
            "or never"
        )
    return float(found)


@contextmanager
def _open(url: str) -> Iterator[Database]:
    """Open a database of this schema. Raises LocalError."""
    try:
        database = Database(url)
        try:
            check_schema(database)
            yield database
        finally:
            database.close()
    except StoreError as error:
        raise LocalError(str(error)) from None
    except (ArgumentError, ModuleNotFoundError, DBAPIError) as error:
        raise LocalError(db.explained(url, error)) from None


@contextmanager
def _writing(url: str) -> Iterator[Session]:
    with _open(url) as database, database.write() as session:
        yield session


def _enter(session: Session, what: str, token: TokenView) -> None:
    """Enter what was done here into the audit log: no call of the api will."""
    who = f"{getpass.getuser()} on {socket.gethostname()}"
    call = audit.Call(
        user=None,
        token_id=token.id,
        address=None,
        method="command",
        path=f"colrow token {what}",
        status=200,
        detail=f"token of {token.user} ({token.role}), by {who}",
    )
    audit.note(session, call)


def _until(token: TokenView) -> str:
    return "without an end" if token.expires_at is None else f"until {moment(token.expires_at)}"
