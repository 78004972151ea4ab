"""The data sets: which are here, and (--deep) whether every file is what it should be."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from colrow.local.doctor.finding import Finding
from colrow.local.doctor.place import Place
from crs_core.data.facts import (
    DatasetFacts,
    OwnSource,
    PackageFile,
    RecordFiles,
    found,
    known,
    present,
)

NAME = "data sets"


def check(place: Place) -> list[Finding]:
    """Look at every data set that a spec can name."""
    findings, here, away = [], [], []
    for name, facts in known().items():
        wrong = _wrong(facts, place.datasets / name, is_there=present(name, place.datasets))
        if wrong:
            advice = "delete the file, and a worker fetches it again; or put the right one there"
            findings.append(Finding(NAME, "fault", wrong, advice))
        elif present(name, place.datasets):
            damaged = _damaged(facts, place.datasets / name) if place.deep else None
            if damaged:
                advice = "delete it, and a worker fetches it again; or put the right one there"
                findings.append(Finding(NAME, "fault", damaged, advice))
            else:
                here.append(name)
        else:
            away.append(name)
    how = "with the right content" if place.deep else "with the right sizes"
    findings.append(Finding(NAME, "ok", f"{how}: {', '.join(here) or 'none'}"))
    if away:
        told = f"not in {place.datasets}: {', '.join(away)}"
        advice = "workers fetch what has an address, when a job needs it and they may"
        findings.append(Finding(NAME, "note", told, advice))
    return findings


def _wrong(facts: DatasetFacts, folder: Path, *, is_there: bool) -> str | None:
    """Tell of a file whose size is wrong, or of one that is missing beside others."""
    if is_there or isinstance(facts.origin, PackageFile | OwnSource):
        return None
    files = facts.origin.all if isinstance(facts.origin, RecordFiles) else facts.files
    there = [file for file in files if (folder / file.name).exists()]
    for file in there:
        size = (folder / file.name).stat().st_size
        if size != file.size:
            return f"{folder / file.name} has {size:,} bytes, but {file.size:,} are needed"
    if there:
        gone = next(f.name for f in files if not (folder / f.name).exists())
        return f"{folder / gone} is missing beside other files of {facts.name}"
    return None


def _damaged(facts: DatasetFacts, folder: Path) -> str | None:
    for path, expected in _files(facts, folder):
        try:
            with path.open("rb") as content:
                digest = hashlib.file_digest(content, "sha256").hexdigest()
        except OSError as error:
            return f"{path} cannot be read: {error.strerror}"
        if digest not in expected:
            return f"{path} is damaged or another file: its SHA-256 is {digest}"
    return None


def _files(facts: DatasetFacts, folder: Path) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """Give each file with the checksums that it may have."""
    origin = facts.origin
    if isinstance(origin, OwnSource):
        return
    if isinstance(origin, PackageFile):
        path = origin.locate()
        if path is not None and origin.sha256 is not None:
            yield path, (origin.sha256,)
    elif isinstance(origin, RecordFiles):
        if (folder / origin.all[0].name).exists():
            for record in origin.all:
                yield folder / record.name, record.sha256
        else:
            yield folder / origin.archive.name, (origin.archive.sha256,)
    else:
        for file in origin:
            at = found(file, folder)
            assert at is not None, "present said so"
            is_packed = at.name == file.name
            yield at, (file.sha256 if is_packed else file.unpacked_sha256 or "",)
