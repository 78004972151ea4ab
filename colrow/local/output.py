"""The folder of `colrow train --output`: whose it is, its checkpoints, which of them stay.

`spec.json` says what is trained there, `checkpoints.jsonl` lists every checkpoint that was written.
"""

import contextlib
import json
from pathlib import Path
from typing import Any

from colrow.errors import LocalError
from crs_core.events import CheckpointSaved
from crs_core.spec import JobSpec, StudySpec

KEPT = 2
"""How many checkpoints stay, beside the best one."""


def take(folder: Path, spec: JobSpec | StudySpec) -> None:
    """Make the folder this training's.

    Raises LocalError where it is that of another spec, or cannot be used.
    """
    # As checkpoints do: how often it reports, and with how many threads it runs, may change; not
    # how many devices share a batch.
    ours = spec.model_dump(mode="json", exclude={"report", "resources"})
    if spec.resources.devices > 1:
        ours["resources"] = {"devices": spec.resources.devices}
    try:
        theirs = _enter(folder, ours)
    except OSError as error:
        raise LocalError(
            f"{folder} cannot be used: {error.strerror or error}; name another with --output"
        ) from None
    if theirs != ours:
        raise LocalError(
            f"{folder} holds the training of another spec ({_difference(theirs, ours)}), whose "
            "checkpoints this one would replace; name another folder with --output, or delete that"
        )


def _enter(folder: Path, ours: Any) -> Any:
    """Give what is trained there, which is ours from now on if it was nothing."""
    path = folder / "spec.json"
    if path.exists():
        try:
            return json.loads(path.read_text())
        except ValueError:  # cut short by a crash, or a person's
            return None
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(ours, indent=2) + "\n")
    return ours


def _difference(there: Any, here: Any, at: str = "") -> str:
    """Say the first difference."""
    if isinstance(there, dict) and isinstance(here, dict):
        for key in [*here, *(key for key in there if key not in here)]:
            if there.get(key) != here.get(key):
                return _difference(there.get(key), here.get(key), f"{at}.{key}" if at else key)
    there, here = json.dumps(there), json.dumps(here)
    return f"{at or 'spec.json'} is {there} there and {here} here"


def listed(folder: Path) -> list[CheckpointSaved]:
    """Read the checkpoints of earlier calls, oldest first, without files deleted since."""
    try:
        lines = (folder / "checkpoints.jsonl").read_text().splitlines()
    except FileNotFoundError:
        return []
    found = {}
    for line in lines:
        with contextlib.suppress(ValueError):  # cut short by a crash
            saved = CheckpointSaved.model_validate_json(line)
            if (folder / saved.name).exists():
                found[saved.name] = saved
    return sorted(found.values(), key=lambda saved: saved.step)


def keep(folder: Path, saved: list[CheckpointSaved], new: CheckpointSaved) -> None:
    """List a new file, and delete those that are neither new nor the best."""
    with (folder / "checkpoints.jsonl").open("a") as file:
        file.write(new.model_dump_json() + "\n")
    saved.append(new)
    best = next((s.name for s in reversed(saved) if s.best), None)
    current = {s.name for s in saved[-KEPT:]} | {best}
    for old in [s for s in saved if s.name not in current]:
        (folder / old.name).unlink(missing_ok=True)
        saved.remove(old)
