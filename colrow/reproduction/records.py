"""Results that last: jobs of earlier days and other machines, one line of JSON each.

A report is made of records alone, those of the service's own jobs among them, and leaves them in
`results.jsonl` beside itself; so the next one builds on what was run before, wherever that was. A
record holds what tables, figures and verdicts need and no more: it is small enough for git.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, model_validator
from pydantic.dataclasses import dataclass

ALONE = "alone"
"""Of a job that had its device, or on a CPU its host, to itself."""
RESULTS = "results.jsonl"
"""The file's name, in the folder of a report."""


class _Part(BaseModel):
    # What a later version wrote is not read by halves, and so not written back by halves.
    model_config = ConfigDict(frozen=True, extra="forbid")


class Source(_Part):
    """Where a result comes from."""

    revision: str | None = None
    """Of git, where the job ran from a checkout."""
    device: str | None = None
    threads: int | None = None
    versions: dict[str, str] = {}
    """Of the software, and what the hardware is."""
    times: str | None = None
    """What speaks against the measured times, as `shared host`, or ALONE; None: not recorded."""

    @property
    def key(self) -> str:
        """Give a text that is equal for equal sources."""
        return self.model_dump_json(exclude={"times"})

    @property
    def caveat(self) -> str | None:
        """Give what speaks against its measured times, if anything does."""
        return "not recorded" if self.times is None else None if self.times == ALONE else self.times

    @property
    def machine(self) -> tuple[str | int | None, ...]:
        """Give what must be equal where times are set side by side."""
        hardware = (self.versions.get(part) for part in ("processor", "cores", "gpu"))
        return (self.device, self.threads, *hardware)


class Track(_Part):
    """Metrics of one job over the same steps; of a study the step is k."""

    steps: tuple[int, ...]
    values: dict[str, tuple[float | None, ...]]

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        for metric, values in self.values.items():
            if len(values) != len(self.steps):
                raise ValueError(f"{metric} has {len(values)} values for {len(self.steps)} steps")
        return self


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Weights:
    """The entries of one trained matrix or kernel, as numbers about them."""

    name: str
    count: int
    mean: float
    std: float
    skewness: float
    positive: float
    """Share of the entries above zero."""
    edges: tuple[float, ...] = ()
    """Of the histogram; none where it is not kept."""
    counts: tuple[float, ...] = ()
    """Entries between neighbouring edges, as shares."""


class Record(_Part):
    """One job with a result. Numbers are rounded: six digits, of curves of a study four."""

    format: Literal[1] = 1
    job: str
    finished_at: AwareDatetime
    state: Literal["succeeded", "diverged"]
    reason: str | None = None
    """What a job that diverged said."""
    spec: dict[str, Any]
    """As it was parsed; what was left out in it is left out here."""
    planned_compute_reduction: float
    summary: dict[str, float]
    """The last values of metrics."""
    tracks: tuple[Track, ...] = ()
    weights: tuple[Weights, ...] = ()
    """Of an exact training's last checkpoint, where that was at hand."""
    source: Source

    def curve(self, metric: str) -> tuple[tuple[int, ...], tuple[float | None, ...]] | None:
        """Give steps and values of a metric; None where it was not kept."""
        for track in self.tracks:
            if metric in track.values:
                return track.steps, track.values[metric]
        return None


def newest(records: Iterable[Record]) -> Record:
    """Choose the result that counts among several of one training."""
    return max(records, key=lambda record: record.finished_at)


def line(record: Record) -> str:
    """Write a record as one line, without its end."""
    return record.model_dump_json(exclude_none=True)


def text(records: Mapping[str, Record], others: Iterable[str] = ()) -> str:
    """Write a file of records by what they train, and of `others`, lines kept as they are.

    The order hangs on the trainings alone, so that files of two days differ in what is new.
    """
    lines = [line(records[key]) for key in sorted(records)]
    return "".join(f"{each}\n" for each in (*lines, *others))
