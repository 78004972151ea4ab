"""When a login is needed, and that somebody can log in at all. Imports little: the start asks it.

Only the embedded profile on a loopback address needs none: who reaches it is who started it, unless
other people have accounts on the machine, and for these there is `--private`.
"""

from typing import TYPE_CHECKING

from api.addresses import is_loopback
from api.settings import Settings

if TYPE_CHECKING:
    from store.session import Database

COMMAND = "colrow token create --user NAME --role admin --expires 90d"


class StartError(Exception):
    """The service cannot start; the message says what to do."""


def reason_for_login(settings: Settings) -> str | None:
    """Say why whoever comes must show a token; None: nobody has to."""
    if not is_loopback(settings.host):
        return f"{settings.host} can be reached from other machines"
    if settings.private:
        return "the service is private (COLROW_PRIVATE, --private)"
    if settings.proxies:
        return "a proxy lets others in (COLROW_PROXIES)"
    if not settings.is_embedded:
        return "its database is shared (the cluster profile)"
    return None


def demand_an_admin(database: "Database", reason: str) -> None:
    """Raise StartError unless an admin has a valid token, without which nobody could do anything.

    The tables must be there and of this program's schema for that to be known.
    """
    from sqlalchemy.exc import DBAPIError

    from store import tokens
    from store.errors import SchemaError
    from store.session import check_schema

    try:
        check_schema(database)
        with database.read() as session:
            found = tokens.has_admin(session)
    except SchemaError as error:
        raise StartError(f"{error}, then start again") from None
    except DBAPIError as error:
        first = str(error.orig).strip().partition("\n")[0]
        raise StartError(
            f"the database does not answer ({first}), so that nobody could log in; start it, or "
            "name another with COLROW_DATABASE_URL"
        ) from None
    if not found:
        raise StartError(
            f"{reason}, so everybody needs a token, and no admin has one; make one with "
            f"`{COMMAND}`, then start again"
        )
