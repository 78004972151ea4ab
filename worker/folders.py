"""Where trainers of jobs work under the home."""

from pathlib import Path


def job_folder(home: Path, job_id: str) -> Path:
    """Give the folder of a job."""
    return home / "jobs" / job_id


def attempt_folder(home: Path, job_id: str, number: int) -> Path:
    """Give the folder of an attempt: nobody else writes there."""
    return job_folder(home, job_id) / f"a{number}"
