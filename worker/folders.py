"""Where the files of jobs lie under the service's home, and which of them nobody needs any more."""

import logging
import shutil
from collections.abc import Collection, Iterable
from pathlib import Path

log = logging.getLogger(__name__)


def job_folder(home: Path, job_id: str) -> Path:
    """Give the folder of a job."""
    return home / "jobs" / job_id


def attempt_folder(home: Path, job_id: str, number: int) -> Path:
    """Give the folder of an attempt: nobody else writes there."""
    return job_folder(home, job_id) / f"a{number}"


def tidy(job: Path, *, keep: Collection[str], current: int) -> None:
    """Delete what earlier attempts left behind: files without a row, halves of files, pipes.

    `keep` names checkpoints as `a<attempt>/step-<n>.pt`; the folder of attempt `current` is left
    alone.
    """
    for folder in job.glob("a*"):
        if folder.name == f"a{current}" or not folder.is_dir():
            continue
        for path in folder.iterdir():
            if f"{folder.name}/{path.name}" not in keep:
                _delete(path)
        if not any(folder.iterdir()):
            folder.rmdir()


def delete(home: Path, paths: Iterable[str]) -> None:
    """Delete files named relative to the home; one that is gone already is no error."""
    for path in paths:
        _delete(home / path)


def _delete(path: Path) -> None:
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except OSError as error:  # left for the next sweep, or for a person
        log.warning("%s could not be deleted: %s", path, error.strerror or error)
