"""What of the installation a spare has in its memory: as it was when the spare began to import.

Networks and data sets of other packages are not part of it: no spare imports them, each trainer
does so anew.
"""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import crs_core
import worker
from crs_core.surroundings import revision

Stamp = tuple[str, int, int]
"""A path, when it was changed, and its size."""
Fingerprint = tuple[str, frozenset[Stamp]]
_OURS = (Path(crs_core.__file__).parent, Path(worker.__file__).parent)
_MARKS = (".dist-info", ".egg-info", ".egg-link", ".pth")
"""Endings of what an installer writes beside a package, anew for every version."""


def fingerprint(
    sources: Iterable[Path] = _OURS, search_path: Iterable[str] | None = None
) -> Fingerprint:
    """Give what differs once our code, its revision or an installed package is another one."""
    places = [Path(place) for place in (sys.path if search_path is None else search_path) if place]
    installed = (path for place in places for path in _entries(place) if path.suffix in _MARKS)
    ours = (path for folder in sources for path in folder.rglob("*.py"))
    stamps = frozenset(_stamps(installed)) | frozenset(_stamps(ours))
    return revision().get("revision", ""), stamps


def _entries(place: Path) -> list[Path]:
    try:
        return list(place.iterdir())
    except OSError:  # not there, or an archive
        return []


def _stamps(paths: Iterable[Path]) -> Iterator[Stamp]:
    for path in paths:
        try:
            found = path.stat()
        except OSError:  # it has just been deleted
            continue
        yield str(path), found.st_mtime_ns, found.st_size
