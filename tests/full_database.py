"""Rows in every table there is, made from the tables themselves: none can be forgotten.

Texts, dates and numbers are of the kind that get lost on the way: quotes, line ends, backslashes,
letters beyond ASCII, NULL beside empty, large integers, floats with all their digits.
"""

import math
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    Integer,
    SmallInteger,
    String,
    Table,
    insert,
    select,
)
from sqlalchemy.orm import Session

from store.tables import Base

ROWS = 7
ONE_ROW = ("scheduler", "change_head", "storage")
TEXTS = ('a "b" \\N', "tab\tand\nline", "é ∂ 😀", "", "\\.", "x,y;z'", "NULL")


def fill(session: Session) -> None:
    """Write seven rows into every empty table, and other numbers into those of one row."""
    for table in Base.metadata.sorted_tables:
        if table.name in ONE_ROW:
            values = {c.name: _value(c, 3) for c in table.columns if not c.primary_key}
            session.execute(table.update().values(**values))
        else:
            session.execute(insert(table), [_row(table, n) for n in range(1, ROWS + 1)])


def read(session: Session) -> dict[str, list[tuple[Any, ...]]]:
    """Read all rows of all tables, in the order of their keys."""
    return {
        table.name: [
            tuple(row) for row in session.execute(select(table).order_by(*table.primary_key))
        ]
        for table in Base.metadata.sorted_tables
    }


def _row(table: Table, number: int) -> dict[str, Any]:
    return {column.name: _value(column, number) for column in table.columns}


def _value(column: Column[Any], number: int) -> Any:
    if column.foreign_keys or column.primary_key:
        return TEXTS[number % ROWS] + str(number) if isinstance(column.type, String) else number
    if column.nullable and number % 3 == 0:
        return None
    match column.type:
        case Boolean():
            return number % 2 == 0
        case JSON():
            return {"text": TEXTS[number % ROWS], "list": [1, None, 0.1, {}], "n": number}
        case SmallInteger():
            return number * 1000
        case BigInteger():
            return (1 << 40) + number
        case Integer():
            return number * 100_000_000
        case Float():
            return math.pi * 10.0 ** (number * 5 - 20)
        case String():
            length = column.type.length
            text = f"{number} {TEXTS[number % ROWS]}"
            return text if length is None else text[:length]
    raise TypeError(f"{column} is of a type that is not known here: {column.type}")
