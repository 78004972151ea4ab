"""Read files of records and merge them; what cannot be used is said, and stops nothing."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from colrow.errors import ColrowError
from colrow.reproduction.identity import identity
from colrow.reproduction.records import Record, newest
from crs_core.errors import SpecError

MOST_NOTES = 5
"""Of one file; further ones are counted."""


@dataclass(frozen=True)
class Recorded:
    """What files have recorded."""

    records: Mapping[str, Record] = field(default_factory=dict)
    """By what they train."""
    others: tuple[str, ...] = ()
    """Lines of the report's own file that mean nothing to this version, and stay in it."""
    notes: tuple[str, ...] = ()
    """What a person should know, a sentence each."""


@dataclass(frozen=True)
class _Line:
    """One line of a file: a record and its identity, or why it is none."""

    number: int
    text: str
    record: Record | None = None
    key: str = ""
    fault: str = ""
    stays: bool = False


def read(own: Path, others: Sequence[Path] = ()) -> Recorded:
    """Read the file beside a report, which need not be there, and `others`, which must.

    Of several results of one training the newest counts. Raises ColrowError when a file cannot be
    read.
    """
    found: dict[str, Record] = {}
    notes: list[str] = []
    own_lines = list(_lines(own)) if own.exists() else []
    notes += _merge(own, own_lines, found)
    for path in others:
        notes += _merge(path, list(_lines(path)), found)
    return Recorded(found, tuple(each.text for each in own_lines if each.stays), tuple(notes))


def _merge(path: Path, lines: Sequence[_Line], found: dict[str, Record]) -> list[str]:
    """Put the records of a file into `found`; give what is to be said of it."""
    faults: list[str] = []
    seen: dict[str, int] = {}
    elsewhere = 0
    for each in lines:
        if each.record is None:
            faults.append(f"{path}, line {each.number}: {each.fault}")
            continue
        before = found.get(each.key)
        if each.key in seen:
            faults.append(
                f"{path}, line {each.number}: a result of the same training as line "
                f"{seen[each.key]}; the newer one counts"
            )
        elif before is not None and before.job != each.record.job:
            elsewhere += 1
        seen[each.key] = each.number
        found[each.key] = each.record if before is None else newest((before, each.record))
    notes = faults[:MOST_NOTES]
    if len(faults) > MOST_NOTES:
        notes.append(f"{path}: {len(faults) - MOST_NOTES} more of its lines are at fault")
    if elsewhere:
        notes.append(
            f"{path}: of its trainings {elsewhere} had another result in an earlier file; the "
            "newer one counts"
        )
    return notes


def _lines(path: Path) -> Iterator[_Line]:
    try:
        content = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ColrowError(f"there are no recorded results in {path}: no such file") from None
    except UnicodeDecodeError:
        raise ColrowError(
            f"{path} holds no recorded results, for it is not UTF-8; move it away, or name another"
        ) from None
    except OSError as error:
        raise ColrowError(f"{path} cannot be read: {error.strerror or error}") from None
    # Not by splitlines: a JSON text may hold other ends of lines than this one.
    for number, text in enumerate(content.split("\n"), start=1):
        if text.strip():
            yield _parsed(number, text)


def _parsed(number: int, text: str) -> _Line:
    try:
        record = Record.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        if first["type"] == "json_invalid":
            return _Line(number, text, fault="cut off, or no JSON; it is left out")
        where = ".".join(map(str, first["loc"])) or "the line"
        fault = f"no record of this version ({where}: {first['msg']}); it stays, and does not count"
        return _Line(number, text, fault=fault, stays=True)
    try:
        return _Line(number, text, record, identity(record.spec))
    except SpecError as error:
        fault = f"its spec is no longer one ({error}); it stays, and does not count"
        return _Line(number, text, fault=fault, stays=True)
