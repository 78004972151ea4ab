"""What of the installation a spare has in its memory: as it was when the spare began to import.

Networks and data sets of other packages are not part of it: no spare imports them, each trainer
does so anew.
"""

import os
import sys
from collections.abc import Iterable, Iterator

import crs_core
import worker
from crs_core.surroundings import revision

Stamp = tuple[str, int, int]
"""A path, when it was changed, and its size."""
Fingerprint = tuple[str, frozenset[Stamp]]
_OURS = tuple(path for package in (crs_core, worker) for path in package.__path__)
_MARKS = (".dist-info", ".egg-info", ".egg-link", ".pth")
"""Endings of what an installer writes beside a package, anew for every version."""


def fingerprint(
    sources: Iterable[str] = _OURS, search_path: Iterable[str] | None = None
) -> Fingerprint:
    """Give what differs once our code, its revision or an installed package is another one.

    It is asked before every job, hence no Path: those take five times as long.
    """
    stamps: set[Stamp] = set()
    for place in sys.path if search_path is None else search_path:
        stamps.update(_stamps(place, _MARKS))
    for folder in sources:
        for inside, _, _ in os.walk(folder):
            stamps.update(_stamps(inside, (".py",)))
    return revision().get("revision", ""), frozenset(stamps)


def _stamps(folder: str, endings: tuple[str, ...]) -> Iterator[Stamp]:
    try:
        entries = os.scandir(folder or ".")
    except OSError:  # not there, or an archive
        return
    with entries:
        for entry in entries:
            if entry.name.endswith(endings):
                try:
                    found = entry.stat()
                except OSError:  # it has just been deleted
                    continue
                yield entry.path, found.st_mtime_ns, found.st_size
