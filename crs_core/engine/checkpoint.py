"""Checkpoints: complete, written whole or not at all, used only when they are what they claim.

A file `step-<n>.pt` is written under a temporary name, forced to disk, and renamed; so a file of
that name is complete. It is read with `weights_only=True`: tensors, numbers, texts and containers,
no code.
"""

import hashlib
import os
import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

import torch

from crs_core.engine.place import ResumePoint
from crs_core.engine.ranks import ALONE, Ranks
from crs_core.errors import CheckpointError, DiskError
from crs_core.spec import JobSpec

FORMAT = 2
"""Raised whenever the content changes so that older files cannot be read."""

State = dict[str, Any]


@dataclass(frozen=True)
class Saved:
    """A file that was written."""

    name: str
    size_bytes: int
    sha256: str


def save(folder: Path, step: int, spec: JobSpec, state: Mapping[str, Any]) -> Saved:
    """Write the checkpoint of `step`. `state["others"]` is a list, of a state per further device.

    Raises DiskError when there is no room; nothing of the new file is left then, and older files
    are untouched.
    """
    path = folder / f"step-{step}.pt"
    temporary = folder / f".{path.name}.{os.getpid()}.part"
    content = {"format": FORMAT, "spec": _identity(spec), "step": step, **state}
    try:
        with temporary.open("wb") as file:
            hashed = _Hashed(file)
            torch.save(content, cast("IO[bytes]", hashed))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        _force(folder)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        cause = _os_error(error)
        if cause is None:
            raise
        raise DiskError(
            f"the checkpoint {path} could not be written: {cause.strerror or cause}"
        ) from error
    return Saved(path.name, hashed.size_bytes, hashed.digest.hexdigest())


def load(point: ResumePoint, spec: JobSpec) -> State:
    """Read a checkpoint. Raises CheckpointError, saying why, when it is not the one described."""
    try:
        with point.path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise CheckpointError(f"it cannot be read ({error.strerror or error})") from error
    if found != point.sha256:
        raise CheckpointError(
            f"its checksum is {found[:12]}…, not {point.sha256[:12]}…: it is damaged or incomplete"
        )
    try:
        state = torch.load(point.path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError, KeyError, ValueError) as error:
        raise CheckpointError(f"it is not a checkpoint ({type(error).__name__})") from error
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        raise CheckpointError(f"it is not of format {FORMAT}, which this version reads")
    differing = _differences(state["spec"], _identity(spec))
    if differing:
        raise CheckpointError(f"it belongs to another spec ({'; '.join(differing[:3])})")
    # Those of one device alone were written without the list once.
    there, here = len(state.get("others", ())) + 1, spec.resources.devices
    if there != here:
        raise CheckpointError(
            f"it is of a training on {there} devices together, and this one has {here}: what each "
            "of them sampled can't be shared out anew. With `resources.devices: "
            f"{there}` training goes on from it"
        )
    if state["step"] != point.step:
        raise CheckpointError(f"it is of step {state['step']}, not of step {point.step}")
    return state


Found = tuple[ResumePoint | None, State | None, tuple[str, ...]]
"""A checkpoint that can be used, its content, and a note on each that was to be used before it."""


def newest_usable(points: Sequence[ResumePoint], spec: JobSpec, ranks: Ranks = ALONE) -> Found:
    """Give the first checkpoint that can be used; the first of several ranks says which it is.

    Raises CheckpointError where another rank can't use that one.
    """
    found: Found = _first_usable(points, spec) if ranks.is_first else (None, None, ())
    index = ranks.from_first(-1 if found[0] is None else points.index(found[0]))
    if ranks.is_first or index < 0:
        return found
    return points[index], load(points[index], spec), ()


def _first_usable(points: Sequence[ResumePoint], spec: JobSpec) -> Found:
    notes: list[str] = []
    for point in points:
        try:
            return point, load(point, spec), tuple(notes)
        except CheckpointError as error:
            notes.append(f"{point.path.name} is not used: {error}")
    return None, None, tuple(notes)


class _Hashed:
    """A file that takes the SHA-256 of what is written, so that it need not be read again."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.digest = hashlib.sha256()
        self.size_bytes = 0

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        written = self.file.write(data)
        self.size_bytes += written
        return written

    def flush(self) -> None:
        self.file.flush()


def _force(folder: Path) -> None:
    """Make the rename itself last."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _os_error(error: BaseException | None) -> OSError | None:
    """Find the system's own error; torch wraps one that a write raised in a RuntimeError."""
    while error is not None and not isinstance(error, OSError):
        error = error.__cause__ or error.__context__
    return error


def _identity(spec: JobSpec) -> dict[str, Any]:
    """The part of a spec that decides what is computed; not how often it is told, nor where."""
    return spec.model_dump(mode="json", exclude={"kind", "report", "resources"})


def _differences(there: Any, here: Any, at: str = "") -> list[str]:
    if isinstance(there, dict) and isinstance(here, dict):
        return [
            text
            for key in sorted(there.keys() | here.keys())
            for text in _differences(there.get(key), here.get(key), f"{at}.{key}".lstrip("."))
        ]
    return [] if there == here else [f"{at} is {there} there and {here} here"]
