"""The service as Python: `Client`, one method per thing one can ask for.

It is long and one idea: a method for each route.
"""

import re
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, cast

import httpx

from colrow import credentials, downloads, settings
from colrow.answers import (
    ENDED,
    Checkpoint,
    Comparison,
    Curve,
    Job,
    JobItem,
    LayerState,
    NewWebhook,
    Plan,
    QueuedJob,
    Sweep,
    SweepPlan,
    Webhook,
    WhoAmI,
    Worker,
)
from colrow.errors import ColrowError, lost
from colrow.stream import Event, follow
from colrow.transport import Transport

Spec = Mapping[str, Any]
WATCH_S = 0.25  # how often, at most, `watch` reads while events come in


class Client:
    """A connection to a Colrow service. Thread-safe; close it, or use it in a `with` block.

    `base_url` left out: the address in COLROW_SERVER, else `http://127.0.0.1:8750`. `token` left
    out: COLROW_TOKEN, else what `colrow login` kept for that address; "" shows none. Every failure
    is a `ColrowError`.
    """

    def __init__(
        self,
        base_url: str | None = None,
        *,
        token: str | None = None,
        timeout_s: float = 30.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        here = settings.read()
        server = base_url or here.server
        if token is None:
            token = here.token or credentials.token_for(credentials.file_in(here.home), server)
        self._transport = Transport(server, token=token, timeout_s=timeout_s, inner=transport)
        self.base_url = self._transport.base_url

    def close(self) -> None:
        """Close the connections."""
        self._transport.http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    # Webhooks

    def add_webhook(
        self,
        url: str,
        *,
        job: str | None = None,
        sweep: str | None = None,
        secret: str | None = None,
    ) -> NewWebhook:
        """Have the end of a job, or of a sweep's last job, posted to `url`.

        The answer holds the `secret` of its messages, which is not shown again;
        `colrow.signature.is_genuine` checks them with it. The same URL again gets a new secret.
        """
        body = {"url": url, "secret": secret}
        made = self._post(f"{_whose(job, sweep)}/webhooks", body, repeatable=True)
        return cast("NewWebhook", made)

    def webhooks(self, *, job: str | None = None, sweep: str | None = None) -> list[Webhook]:
        """List the webhooks of a job or a sweep, with what became of their messages."""
        return cast("list[Webhook]", self._get(f"{_whose(job, sweep)}/webhooks")["items"])

    def delete_webhook(self, webhook_id: str) -> None:
        """Remove a webhook; what it was not sent yet is not sent."""
        self._transport.request("DELETE", f"/webhooks/{_checked('webhook', webhook_id)}")

    # Jobs

    def plan(self, spec: Spec) -> Plan:
        """Say what a spec costs and saves; nothing is run."""
        return cast("Plan", self._post("/plan", {"spec": spec}, repeatable=True))

    def submit(
        self,
        spec: Spec,
        *,
        name: str = "",
        tags: Sequence[str] = (),
        priority: int = 0,
        idempotency_key: str | None = None,
    ) -> Job:
        """Queue a job.

        An idempotency key is made when none is given, so that a repeated request makes one job.
        Give one yourself to repeat the call itself.
        """
        body = {"spec": spec, "name": name, "tags": list(tags), "priority": priority}
        return cast("Job", self._post("/jobs", body, key=idempotency_key or str(uuid.uuid4())))

    def jobs(
        self,
        *,
        state: Sequence[str] = (),
        sweep: str | None = None,
        tag: Sequence[str] = (),
        text: str | None = None,
        sort: str | None = None,
        columns: Sequence[str] | None = None,
        limit: int | None = None,
        **filters: str,
    ) -> Iterator[JobItem]:
        """Iterate over jobs, newest first; `filters` are owner, model, dataset and policy."""
        params: dict[str, Any] = {
            "state": list(state), "sweep": sweep, "tag": list(tag), "text": text, "sort": sort,
            "columns": None if columns is None else list(columns), **filters,
        }  # fmt: skip
        return cast("Iterator[JobItem]", self._pages("/jobs", params, limit))

    def job(self, job_id: str) -> Job:
        """Read a job, whole."""
        return cast("Job", self._get(_job(job_id)))

    def cancel(self, job_id: str) -> Job:
        """Stop a job; a running one leaves a checkpoint."""
        return cast("Job", self._post(f"{_job(job_id)}/cancel", repeatable=True))

    def pause(self, job_id: str) -> Job:
        """Have a running job save a checkpoint and leave its worker, until it is resumed."""
        return cast("Job", self._post(f"{_job(job_id)}/pause", repeatable=True))

    def resume(self, job_id: str) -> Job:
        """Queue a paused job, to go on from its checkpoint."""
        return cast("Job", self._post(f"{_job(job_id)}/resume"))

    def retry(self, job_id: str, *, wall_time_s: float | None = None) -> Job:
        """Queue a failed or cancelled job again, to go on from its last checkpoint.

        `wall_time_s` replaces the spec's; one that has used it up needs more.
        """
        body = None if wall_time_s is None else {"wall_time_s": wall_time_s}
        return cast("Job", self._post(f"{_job(job_id)}/retry", body))

    def clone(
        self,
        job_id: str,
        *,
        changes: Mapping[str, Any] | None = None,
        name: str | None = None,
        tags: Sequence[str] | None = None,
        priority: int | None = None,
        idempotency_key: str | None = None,
    ) -> Job:
        """Queue a new job of the same spec, name, tags and priority, but for what is given.

        `changes` are dotted paths into the spec with their values, as `{"training.epochs": 40}`.
        """
        said = {
            "changes": dict(changes or {}), "name": name, "priority": priority,
            "tags": None if tags is None else list(tags),
        }  # fmt: skip
        body = {key: value for key, value in said.items() if value is not None}
        key = idempotency_key or str(uuid.uuid4())
        return cast("Job", self._post(f"{_job(job_id)}/clone", body, key=key))

    def delete(self, job_id: str) -> None:
        """Delete a job that is not running, with its curves, log and checkpoints."""
        self._transport.request("DELETE", _job(job_id))

    def curves(
        self,
        jobs: Sequence[str] = (),
        *,
        sweep: str | None = None,
        metrics: Sequence[str] = (),
        max_points: int | None = None,
        after: int | None = None,
    ) -> list[Curve]:
        """Read the curves of jobs: all metrics and all points unless limited."""
        params = {
            "job": list(jobs), "sweep": sweep, "metric": list(metrics), "max_points": max_points,
            "after": after,
        }  # fmt: skip
        return cast("list[Curve]", self._get("/curves", params)["items"])

    def layers(self, job_id: str) -> list[LayerState]:
        """Read what every product of every layer kept, cost and missed."""
        return cast("list[LayerState]", self._get(f"{_job(job_id)}/layers")["items"])

    def log(self, job_id: str, *, start: int = 0) -> str:
        """Read a job's log, from `start` (below 0: from the end) on."""
        pieces = []
        while True:
            piece = self._get(f"{_job(job_id)}/log", {"start": start, "limit": 1 << 20})
            pieces.append(str(piece["text"]))
            if not piece["text"] or piece["next"] >= piece["size"]:
                return "".join(pieces)
            start = piece["next"]

    def checkpoints(self, job_id: str) -> list[Checkpoint]:
        """List the checkpoints that are kept, newest first."""
        return cast("list[Checkpoint]", self._get(f"{_job(job_id)}/checkpoints")["items"])

    def download(
        self,
        job_id: str,
        checkpoint: Checkpoint,
        path: Path,
        *,
        told: Callable[[int], None] = lambda _: None,
    ) -> None:
        """Download a checkpoint to a file; it is there whole, with its checksum, or not at all."""
        url = f"{_job(job_id)}/checkpoints/{checkpoint['id']}"
        wanted = downloads.Wanted(url, checkpoint["size_bytes"], checkpoint["sha256"])
        downloads.fetch(self._transport, wanted, path, told=told)

    # Sweeps

    def sweep(
        self,
        base: Spec,
        *,
        axes: Mapping[str, Sequence[Any]] | None = None,
        variants: Sequence[Mapping[str, Any]] = (),
        name: str = "",
        tags: Sequence[str] = (),
        priority: int = 0,
        idempotency_key: str | None = None,
    ) -> Sweep:
        """Make a job of every variant and every combination of the axes, all or none."""
        body = _sweep_body(base, axes, variants) | {
            "name": name, "tags": list(tags), "priority": priority,
        }  # fmt: skip
        return cast("Sweep", self._post("/sweeps", body, key=idempotency_key or str(uuid.uuid4())))

    def plan_sweep(
        self,
        base: Spec,
        *,
        axes: Mapping[str, Sequence[Any]] | None = None,
        variants: Sequence[Mapping[str, Any]] = (),
    ) -> SweepPlan:
        """Say how many jobs a sweep would make and what each would save; nothing is created."""
        body = _sweep_body(base, axes, variants) | {"dry_run": True}
        return cast("SweepPlan", self._post("/sweeps", body, repeatable=True))

    def sweeps(self) -> Iterator[Sweep]:
        """Iterate over sweeps, newest first."""
        return cast("Iterator[Sweep]", self._pages("/sweeps", {}, None))

    def sweep_state(self, sweep_id: str) -> Sweep:
        """Read a sweep and the state of its jobs."""
        return cast("Sweep", self._get(_sweep(sweep_id)))

    def cancel_sweep(self, sweep_id: str) -> Sweep:
        """Cancel every job of a sweep that has not ended."""
        return cast("Sweep", self._post(f"{_sweep(sweep_id)}/cancel", repeatable=True))

    # Results

    def comparison(
        self,
        *,
        sweep: Sequence[str] = (),
        jobs: Sequence[str] = (),
        x: str | None = None,
        y: str | None = None,
        group_by: Sequence[str] | None = None,
        margin: float | None = None,
    ) -> Comparison:
        """Compare groups of jobs: mean, spread, distance to the baseline, Pareto front.

        `margin`, in per cent, is how much worse than the baseline still counts as no loss: points
        of accuracy (left out: 0.2), or of the baseline's mean for other metrics (1).
        """
        params = {
            "sweep": list(sweep), "job": list(jobs), "x": x, "y": y,
            "group_by": None if group_by is None else list(group_by), "margin": margin,
        }  # fmt: skip
        return cast("Comparison", self._get("/comparison", params))

    def export(
        self,
        *,
        sweep: Sequence[str] = (),
        jobs: Sequence[str] = (),
        metrics: Sequence[str] = (),
        format: Literal["csv", "json"] = "csv",  # noqa: A002
        table: Literal["points", "jobs"] = "points",
    ) -> Iterator[bytes]:
        """Stream full data, never reduced. Neither sweep nor jobs given: everything."""
        params = {
            "sweep": list(sweep), "job": list(jobs), "metric": list(metrics), "format": format,
            "table": table,
        }  # fmt: skip
        try:
            with self._transport.http.stream("GET", "/export", params=params) as answer:
                if answer.status_code >= 400:
                    answer.read()
                    raise self._transport.problem(answer)
                yield from answer.iter_bytes()
        except httpx.TransportError as error:
            raise self._transport.unreachable(error) from None

    # The service

    def who_am_i(self) -> WhoAmI:
        """Say as whom the service knows one."""
        return cast("WhoAmI", self._get("/session"))

    def catalog(self) -> dict[str, Any]:
        """List everything a spec can name."""
        return cast("dict[str, Any]", self._get("/catalog"))

    def workers(self) -> list[Worker]:
        """List the workers."""
        return cast("list[Worker]", list(self._pages("/workers", {}, None)))

    def forget_worker(self, name: str) -> None:
        """Leave a worker that is gone out of the list; only an admin may."""
        self._transport.request("DELETE", "/workers", params={"name": name})

    def queue(self, *, limit: int | None = None) -> Iterator[QueuedJob]:
        """Iterate over queued jobs in the order they would start."""
        return cast("Iterator[QueuedJob]", self._pages("/queue", {}, limit))

    # Following

    def events(
        self,
        *,
        jobs: Sequence[str] = (),
        sweep: str | None = None,
        last_event_id: str | None = None,
    ) -> Iterator[Event]:
        """Follow changes from now on, or from after an event seen; a cut is mended by itself."""
        for event in self._follow(jobs, sweep, last_event_id):
            if event is not None:
                yield event

    def watch(
        self, *, jobs: Sequence[str] = (), sweep: str | None = None
    ) -> Iterator[list[JobItem]]:
        """Give the jobs now and after changes (several times a second), until all have ended."""
        read_s = 0.0
        for event in self._follow(jobs, sweep, None):
            # Events that wait in the stream are passed over quickly: only the newest state counts.
            recent = time.monotonic() - read_s < WATCH_S
            if event is not None and recent and event.data.get("state") not in ENDED:
                continue
            if jobs:
                found: list[JobItem] = [self.job(each) for each in jobs]
            else:
                found = list(self.jobs(sweep=sweep, sort="created_at", columns=PROGRESS))
            read_s = time.monotonic()
            yield found
            if all(job["state"] in ENDED for job in found):
                return

    def wait(self, job_id: str, *, timeout_s: float | None = None) -> Job:
        """Wait until a job has ended. Raises ColrowError when that takes over `timeout_s`."""
        end_s = None if timeout_s is None else time.monotonic() + timeout_s
        while (job := self.job(job_id))["state"] not in ENDED:
            if end_s is not None and time.monotonic() > end_s:
                raise ColrowError(f"job {job_id} is still {job['state']} after {timeout_s:g} s")
            time.sleep(WATCH_S)
        return job

    def _follow(
        self, jobs: Sequence[str], sweep: str | None, last_event_id: str | None
    ) -> Iterator[Event | None]:
        params = {"job": list(jobs), "sweep": sweep}
        return follow(self._transport, params, last_event_id=last_event_id)

    def _get(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        return self._transport.request("GET", path, params=params, repeatable=True).json()

    def _post(
        self,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        key: str | None = None,
        repeatable: bool = False,
    ) -> Any:
        headers = {"Idempotency-Key": key} if key else None
        answer = self._transport.request(
            "POST", path, json=body, headers=headers, repeatable=repeatable or key is not None
        )
        return answer.json()

    def _pages(self, path: str, params: Mapping[str, Any], limit: int | None) -> Iterator[Any]:
        cursor: str | None = None
        while True:
            size = None if limit is None else min(limit, 1000)
            page = self._get(path, {**params, "limit": size, "cursor": cursor})
            items = page["items"] if limit is None else page["items"][:limit]
            yield from items
            limit = None if limit is None else limit - len(items)
            cursor = page["next"]
            if cursor is None or limit == 0:
                return


PROGRESS = (
    "train_loss", "validation_accuracy", "test_accuracy", "best_test_accuracy",
    "validation_perplexity", "test_perplexity", "best_test_perplexity",
    "compute_reduction", "seconds", "frobenius_error",
)  # fmt: skip
"""The metrics that lists and progress bars show."""


def _sweep_body(
    base: Spec, axes: Mapping[str, Sequence[Any]] | None, variants: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    return {
        "base": base,
        "axes": {path: list(values) for path, values in (axes or {}).items()},
        "variants": [dict(variant) for variant in variants],
    }


def _job(job_id: str) -> str:
    return f"/jobs/{_checked('job', job_id)}"


def _sweep(sweep_id: str) -> str:
    return f"/sweeps/{_checked('sweep', sweep_id)}"


def _whose(job: str | None, sweep: str | None) -> str:
    if (job is None) == (sweep is None):
        raise ValueError("a webhook is of one job or of one sweep; give `job` or `sweep`")
    return _job(job) if job is not None else _sweep(str(sweep))


def _checked(kind: str, ident: str) -> str:
    """Let an id through that may be one, so that it stays one segment of the path."""
    if not re.fullmatch(r"[0-9A-Za-z-]+", ident):
        raise lost(f"there is no {kind} {ident!r}")
    return ident
