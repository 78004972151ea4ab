"""MLflow: an experiment per sweep and a run per job, written with MLflow's own client.

Jobs of no sweep share the experiment `colrow`. Parameters are those of the spec by dotted path,
metrics have their steps (nan where a point is not finite), and tags say which job it was. A run
whose job has not changed since is left as it is; otherwise a new one takes its place.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from colrow.errors import ColrowError
from colrow.exporting.jobs import ExportedJob

METRICS, OTHERS = 1000, 100
"""How many metrics, and how many parameters or tags, MLflow takes in one request."""
MAX_VALUE = 5000
"""Characters of a parameter or a tag; MLflow refuses more than 6000 and 8000."""
KEY = r"[\w. /-]+"
"""What MLflow lets be the key of a tag; a word that is none is in `colrow.tags` alone."""
SWEEP, JOB, DIGEST = "colrow.sweep", "colrow.job", "colrow.digest"
STATUS = {
    "queued": "SCHEDULED", "running": "RUNNING", "paused": "SCHEDULED", "succeeded": "FINISHED",
    "failed": "FAILED", "cancelled": "KILLED",
}  # fmt: skip


@dataclass(frozen=True)
class Written:
    """How many jobs were written, and how many were there already."""

    written: int
    kept: int


def address(output: str) -> str:
    """Give the tracking address: what is one already, or a database in a folder."""
    if "://" in output:
        return output
    return f"sqlite:///{Path(output).absolute() / 'mlflow.db'}"


def write(jobs: Iterable[ExportedJob], output: str, *, sweep_names: Mapping[str, str]) -> Written:
    """Write the jobs to a tracking server, a database or a folder. Raises ColrowError."""
    try:
        from mlflow.exceptions import MlflowException
        from mlflow.tracking import MlflowClient
    except ImportError:
        raise ColrowError(
            "writing for MLflow needs its client; install it with: pip install 'colrow[mlflow]'"
        ) from None
    artifacts: str | None = None
    _demand_server(output)
    if (uri := address(output)) != output:
        Path(output).mkdir(parents=True, exist_ok=True)
        artifacts = (Path(output).absolute() / "artifacts").as_uri()
    written = kept = 0
    try:
        tracking = _Tracking(MlflowClient(tracking_uri=uri), artifacts, sweep_names)
        for job in jobs:
            if tracking.put(job):
                written += 1
            else:
                kept += 1
    except MlflowException as error:
        raise ColrowError(f"MLflow refused: {error}") from None
    return Written(written, kept)


def _demand_server(output: str) -> None:
    """Find out at once whether a server answers: MLflow's client tries for minutes."""
    if not output.startswith(("http://", "https://")):
        return
    try:
        httpx.get(output, timeout=10)
    except httpx.HTTPError as error:
        where = urlsplit(output).hostname
        raise ColrowError(
            f"no MLflow answers at {where} ({error}); start it with `mlflow server`, or name a "
            "folder with --output"
        ) from None


class _Tracking:
    """A tracking server, and the experiments found there."""

    def __init__(self, client: Any, artifacts: str | None, sweep_names: Mapping[str, str]) -> None:
        self.client = client
        self.artifacts = artifacts
        self.sweep_names = sweep_names
        self.experiments: dict[str | None, str] = {}

    def put(self, job: ExportedJob) -> bool:
        """Write a job, unless it is there as it is now; whether it was written."""
        if job.sweep not in self.experiments:
            self.experiments[job.sweep] = self._experiment(job.sweep)
        experiment = self.experiments[job.sweep]
        found = self.client.search_runs([experiment], filter_string=f"tags.`{JOB}` = '{job.id}'")
        alike = [run for run in found if run.data.tags.get(DIGEST) == job.digest]
        keep = alike[0].info.run_id if alike else self._write(experiment, job)
        for run in found:
            if run.info.run_id != keep:
                self.client.delete_run(run.info.run_id)
        return not alike

    def _experiment(self, sweep: str | None) -> str:
        marked = sweep or "none"
        found = self.client.search_experiments(filter_string=f"tags.`{SWEEP}` = '{marked}'")
        if found:
            return str(found[0].experiment_id)
        name = "colrow"
        if sweep is not None:
            name = f"{self.sweep_names.get(sweep, '')} {sweep.rpartition('-')[2]}".strip()
        made = self.client.create_experiment(name, self.artifacts, tags={SWEEP: marked})
        return str(made)

    def _write(self, experiment: str, job: ExportedJob) -> str:
        from mlflow.entities import Metric, Param, RunTag

        made = self.client.create_run(
            experiment, start_time=_ms(job.began_s), tags=_tags(job), run_name=job.title
        )
        run_id = str(made.info.run_id)
        params = (Param(path, _text(value)) for path, value in job.parameters.items())
        metrics = (
            Metric(name, value.value, _ms(value.at_s), value.step)
            for name, values in job.curves.items()
            for value in values
        )
        words = (RunTag(f"tag.{word}", "true") for word in job.tags if re.fullmatch(KEY, word))
        for batch in _batches(params, OTHERS):
            self.client.log_batch(run_id, params=batch)
        for batch in _batches(metrics, METRICS):
            self.client.log_batch(run_id, metrics=batch)
        for batch in _batches(words, OTHERS):
            self.client.log_batch(run_id, tags=batch)
        if job.ended_s is not None:
            self.client.set_terminated(run_id, STATUS[job.state], _ms(job.ended_s))
        else:
            self.client.update_run(run_id, status=STATUS[job.state])
        # Last: only a run that has it is whole.
        self.client.set_tag(run_id, DIGEST, job.digest)
        return run_id


def _tags(job: ExportedJob) -> dict[str, str]:
    known = {JOB: job.id, "colrow.state": job.state, "colrow.policy": job.policy}
    known |= {"colrow.tags": ", ".join(job.tags)} if job.tags else {}
    known |= {"mlflow.note.content": job.notes} if job.notes else {}
    return {key: value[:MAX_VALUE] for key, value in known.items()} | {"mlflow.user": job.owner}


def _text(value: Any) -> str:
    return (value if isinstance(value, str) else json.dumps(value))[:MAX_VALUE]


def _ms(seconds: float) -> int:
    return round(1000 * seconds)


def _batches(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    rest = iter(items)
    while some := list(islice(rest, size)):
        yield some
