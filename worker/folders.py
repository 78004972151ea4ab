"""Where trainers of jobs work under the home, or under a scratch folder of it."""

from pathlib import Path


def scratch(home: Path, place: str) -> Path:
    """Give where trainers work while the files lie elsewhere, at the place of this id.

    Apart from the home's own files: these may be what another service keeps.
    """
    return home / "scratch" / place


def job_folder(home: Path, job_id: str) -> Path:
    """Give the folder of a job."""
    return home / "jobs" / job_id


def attempt_folder(home: Path, job_id: str, number: int) -> Path:
    """Give the folder of an attempt: nobody else writes there."""
    return job_folder(home, job_id) / f"a{number}"
