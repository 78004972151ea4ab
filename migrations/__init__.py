"""Change a database's tables from one schema to the next (Alembic). The URL comes from the caller."""


def upgrade(url: str) -> None:
    """Bring the database to the newest schema; safe when several processes try at once."""


def head() -> str:
    """Give the newest schema there is, as `0001`."""
    return "0001"
