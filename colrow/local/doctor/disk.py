"""The data folder: is it there, can it be written to, is there room, who else may change it."""

import os
import shutil
import stat
import tempfile
from pathlib import Path

from colrow.local.doctor.finding import Fault, Finding, fault_of
from colrow.local.doctor.place import Place
from colrow.local.folder import LEAST_FREE_BYTES

NAME = "data folder"
ROOM_BYTES = 1 << 30
_OTHERS = stat.S_IWGRP | stat.S_IWOTH


def check(place: Place) -> list[Finding]:
    """Look at the folder of checkpoints, logs and, embedded, the database."""
    findings: list[Finding] = []
    with fault_of(NAME, findings):
        findings += _look(place)
    return findings


def _look(place: Place) -> list[Finding]:
    home = place.home
    other = "choose another with --data or COLROW_HOME"
    if not home.exists():
        parent = next(p for p in home.absolute().parents if p.exists())
        if place.up is not None or not os.access(parent, os.W_OK | os.X_OK):
            raise Fault(f"{home} is not there", f"make it (mount it, if it is shared), or {other}")
        maker = "`colrow up` makes it"
        if not place.is_embedded:  # whether files are missing there is told by `files`
            maker = "a worker makes it; mount it before, if it is shared"
        return [Finding(NAME, "note", f"{home} is not there yet", maker)]
    if not home.is_dir():
        raise Fault(f"{home} is a file", other)
    try:
        with tempfile.NamedTemporaryFile(dir=home, prefix=".doctor-") as trial:
            trial.write(b"\0" * 65_536)
            trial.flush()
            os.fsync(trial.fileno())
    except OSError as error:
        raise Fault(
            f"{home} cannot be written to: {error.strerror}",
            f"mend its permissions, mount it for writing or make room there, or {other}",
        ) from None
    return [*_room(home), *_rights(home)]


def _room(home: Path) -> list[Finding]:
    free, spots = shutil.disk_usage(home).free, os.statvfs(home)
    told = f"{home} has {free / (1 << 30):.1f} GiB free"
    advice = "make room there: delete jobs (`colrow delete`), or move the folder"
    if free < LEAST_FREE_BYTES:
        raise Fault(told, advice)
    if spots.f_files and not spots.f_favail:
        raise Fault(f"the disk of {home} can hold no more files (inodes)", advice)
    if free < ROOM_BYTES:
        return [Finding(NAME, "warning", told, advice)]
    return [Finding(NAME, "ok", f"{told} and can be written to")]


def _rights(home: Path) -> list[Finding]:
    mode = home.stat().st_mode
    if not mode & _OTHERS or mode & stat.S_ISVTX:
        return []
    told = f"others on this host may change {home} (its mode is {stat.S_IMODE(mode):04o})"
    return [Finding(NAME, "warning", told, f"chmod go-w {home}")]
