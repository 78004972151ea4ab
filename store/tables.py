"""The tables. Integer keys inside, UUIDv7 text ids outside, times as seconds since 1970.

One row per point in a narrow table, one summary row per job and metric, so that lists never touch
the points. A number that is not finite is NULL. All tables are one idea in this one file: one reads
them side by side, each for the keys of the others. What a migration does to them stands in
`migrations/`; a test holds the two equal.
"""

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

SCHEMA_VERSION = "0002"
"""The migration that these tables agree with: four digits, so that versions compare as text."""


class Base(DeclarativeBase):
    """What every table shares: names of constraints that a migration can refer to."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


# SQLite would give out the key of a deleted last row again, and a fenced attempt be current anew.
_NO_KEY_TWICE = {"sqlite_autoincrement": True}
_NO_ROWID = {"sqlite_with_rowid": False}


def _job_key(*, primary: bool = False) -> Mapped[int]:
    return mapped_column(
        Integer,
        ForeignKey("jobs.key", ondelete="CASCADE"),
        primary_key=primary,
        autoincrement=False,
    )


class Owner(Base):
    """Whose a job is."""

    __tablename__ = "owners"
    key: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(Text, unique=True)
    created_at: Mapped[float] = mapped_column(Float)
    max_running: Mapped[int | None] = mapped_column(Integer)
    """Cap of jobs that run at once; NULL: the service's setting."""
    max_queued: Mapped[int | None] = mapped_column(Integer)
    recent_device_s: Mapped[float] = mapped_column(Float)
    """Device-seconds used, halved with time; as it stood at `recent_at`."""
    recent_at: Mapped[float] = mapped_column(Float)


class Token(Base):
    """What a user shows instead of a password; only its hash is kept."""

    __tablename__ = "tokens"
    key: Mapped[int] = mapped_column(Integer, primary_key=True)
    id: Mapped[str] = mapped_column(String(36), unique=True)
    owner_key: Mapped[int] = mapped_column(Integer, ForeignKey("owners.key"))
    name: Mapped[str] = mapped_column(Text)
    role: Mapped[str] = mapped_column(String(20))
    hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[float] = mapped_column(Float)
    expires_at: Mapped[float | None] = mapped_column(Float)
    revoked_at: Mapped[float | None] = mapped_column(Float)
    last_used_at: Mapped[float | None] = mapped_column(Float)


class BrowserSession(Base):
    """A browser that showed a token once; its cookie's hash. It ends with the token."""

    __tablename__ = "sessions"
    key: Mapped[int] = mapped_column(Integer, primary_key=True)
    hash: Mapped[str] = mapped_column(String(64), unique=True)
    token_key: Mapped[int] = mapped_column(Integer, ForeignKey("tokens.key", ondelete="CASCADE"))
    created_at: Mapped[float] = mapped_column(Float)
    expires_at: Mapped[float] = mapped_column(Float)


class Audit(Base):
    """A changing call: who asked for what, and what became of it."""

    __tablename__ = "audit"
    __table_args__ = (Index("ix_audit_at", "at"), _NO_KEY_TWICE)
    key: Mapped[int] = mapped_column(Integer, primary_key=True)
    at: Mapped[float] = mapped_column(Float)
    owner: Mapped[str | None] = mapped_column(Text)
    token_id: Mapped[str | None] = mapped_column(String(36))
    address: Mapped[str | None] = mapped_column(String(64))
    method: Mapped[str] = mapped_column(String(10))
    path: Mapped[str] = mapped_column(Text)
    status: Mapped[int] = mapped_column(Integer)
    detail: Mapped[str | None] = mapped_column(Text)
    times: Mapped[int] = mapped_column(Integer)
    """Refusals that are alike share a row for a minute; this many did."""


class Usage(Base):
    """What an owner's attempts used of devices of a kind on one day; outlives the jobs."""

    __tablename__ = "usage"
    __table_args__ = (_NO_ROWID,)
    owner_key: Mapped[int] = mapped_column(
        Integer, ForeignKey("owners.key"), primary_key=True, autoincrement=False
    )
    day: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    """Days since 1970, UTC."""
    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    device_s: Mapped[float] = mapped_column(Float)
    attempts: Mapped[int] = mapped_column(Integer)
    exact_macs: Mapped[float] = mapped_column(Float)
    performed_macs: Mapped[float] = mapped_column(Float)


class Sweep(Base):
    """A base spec with its axes and variants, and by `jobs.sweep_key` the jobs made from them."""

    __tablename__ = "sweeps"
    key: Mapped[int] = mapped_column(Integer, primary_key=True)
    id: Mapped[str] = mapped_column(String(36), unique=True)
    owner_key: Mapped[int] = mapped_column(Integer, ForeignKey("owners.key"))
    name: Mapped[str] = mapped_column(Text)
    base: Mapped[dict[str, Any]] = mapped_column(JSON)
    axes: Mapped[dict[str, Any]] = mapped_column(JSON)
    variants: Mapped[list[Any]] = mapped_column(JSON)
    created_at: Mapped[float] = mapped_column(Float)


class Job(Base):
    """One training job. `store.jobs` alone changes `state`."""

    __tablename__ = "jobs"
    __table_args__ = (
        # All that the order of the queue, the fit to a slot and filters of lists look at: the rows,
        # which are wide, are not read.
        Index(
            "ix_jobs_queue",
            *("state", "owner_key", "priority", "queued_at", "key", "devices", "kind"),
            *("memory_bytes", "device_name", "dataset", "model", "policies", "sweep_key"),
        ),
        Index("ix_jobs_sweep_key", "sweep_key"),
        _NO_KEY_TWICE,
    )
    key: Mapped[int] = mapped_column(Integer, primary_key=True)
    id: Mapped[str] = mapped_column(String(36), unique=True)
    owner_key: Mapped[int] = mapped_column(Integer, ForeignKey("owners.key"))
    sweep_key: Mapped[int | None] = mapped_column(Integer, ForeignKey("sweeps.key"))
    name: Mapped[str] = mapped_column(Text)
    notes: Mapped[str] = mapped_column(Text)
    priority: Mapped[int] = mapped_column(Integer)
    spec: Mapped[dict[str, Any]] = mapped_column(JSON)
    # Copies out of the spec, for filters and for the fit to a slot.
    model: Mapped[str] = mapped_column(String(50))
    dataset: Mapped[str] = mapped_column(String(50))
    policies: Mapped[str] = mapped_column(String(200))
    """Names between commas, `,nps,topk,`, so that one LIKE finds one."""
    kind: Mapped[str] = mapped_column(String(20))
    devices: Mapped[int] = mapped_column(Integer)
    memory_bytes: Mapped[int | None] = mapped_column(BigInteger)
    """Of each device (of the host, on a CPU), at least."""
    device_name: Mapped[str | None] = mapped_column(String(200))
    """A glob over names of devices, as `*H100*`."""
    preemptible: Mapped[bool] = mapped_column(Boolean)
    wall_time_s: Mapped[float | None] = mapped_column(Float)
    planned_compute_reduction: Mapped[float | None] = mapped_column(Float)
    state: Mapped[str] = mapped_column(String(20))
    wish: Mapped[str | None] = mapped_column(String(20))
    reason_kind: Mapped[str | None] = mapped_column(String(50))
    reason_message: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[float] = mapped_column(Float)
    queued_at: Mapped[float] = mapped_column(Float)
    """Age in the queue counts from here; a lost attempt does not set it anew, a retry does."""
    started_at: Mapped[float | None] = mapped_column(Float)
    finished_at: Mapped[float | None] = mapped_column(Float)
    attempt_count: Mapped[int] = mapped_column(Integer)
    barren_attempts: Mapped[int] = mapped_column(Integer)
    """Attempts lost in a row without a new checkpoint."""
    step: Mapped[int] = mapped_column(Integer)
    total_steps: Mapped[int | None] = mapped_column(BigInteger)
    steps_per_epoch: Mapped[int | None] = mapped_column(Integer)
    best_validation_step: Mapped[int | None] = mapped_column(Integer)
    shape: Mapped[str | None] = mapped_column(String(64))
    """What jobs that take as long have in common (`store.durations`); NULL: of an older version."""


class Tag(Base):
    """A word that a user put on a job."""

    __tablename__ = "tags"
    __table_args__ = (Index("ix_tags_tag", "tag"), _NO_ROWID)
    job_key: Mapped[int] = _job_key(primary=True)
    tag: Mapped[str] = mapped_column(Text, primary_key=True)


class Submission(Base):
    """An idempotency key, what came with it (digest) and what was made of it.

    Of neither job nor sweep: the job is deleted.
    """

    __tablename__ = "submissions"
    owner_key: Mapped[int] = mapped_column(
        Integer, ForeignKey("owners.key"), primary_key=True, autoincrement=False
    )
    idempotency_key: Mapped[str] = mapped_column(Text, primary_key=True)
    digest: Mapped[str] = mapped_column(String(64))
    job_key: Mapped[int | None] = mapped_column(Integer, ForeignKey("jobs.key", ondelete="CASCADE"))
    sweep_key: Mapped[int | None] = mapped_column(
        Integer, ForeignKey("sweeps.key", ondelete="CASCADE")
    )
    created_at: Mapped[float] = mapped_column(Float)


class Worker(Base):
    """A slot: one worker process, the devices it owns and when it was last seen."""

    __tablename__ = "workers"
    __table_args__ = (_NO_KEY_TWICE,)
    key: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(String(200), unique=True)
    host: Mapped[str] = mapped_column(String(255))
    pid: Mapped[int] = mapped_column(Integer)
    kind: Mapped[str] = mapped_column(String(20))
    devices: Mapped[list[Any]] = mapped_column(JSON)
    hardware: Mapped[list[Any] | None] = mapped_column(JSON(none_as_null=True))
    """Of each device its name and memory, `{"name": …, "memory_bytes": …}`, null if not known."""
    home_id: Mapped[str | None] = mapped_column(String(36))
    """Of the data folder whose lock goes with the name; NULL: of an older version."""
    machine: Mapped[str | None] = mapped_column(String(36))
    """What containers of one machine have in common, unlike `host`; NULL: not known."""
    threads: Mapped[int] = mapped_column(Integer)
    memory_bytes: Mapped[int | None] = mapped_column(BigInteger)
    memory_used_bytes: Mapped[int | None] = mapped_column(BigInteger)
    versions: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    datasets: Mapped[list[Any] | None] = mapped_column(JSON(none_as_null=True))
    """Names of the data sets whose files are there; NULL: it can fetch any."""
    state: Mapped[str] = mapped_column(String(20))
    started_at: Mapped[float] = mapped_column(Float)
    seen_at: Mapped[float] = mapped_column(Float)
    state_since: Mapped[float] = mapped_column(Float)
    device_use: Mapped[list[Any] | None] = mapped_column(JSON(none_as_null=True))
    """What each device said at the last heartbeat (`workers.DeviceUse`); NULL: nothing."""
    clock_offset_s: Mapped[float | None] = mapped_column(Float)
    """By how much its host's clock is ahead of the database's."""


class Attempt(Base):
    """One execution of a job by a worker. Current while `ended_at` is NULL."""

    __tablename__ = "attempts"
    __table_args__ = (
        UniqueConstraint("job_key", "number"),
        Index("ix_attempts_lease", "ended_at", "lease_until"),
        Index("ix_attempts_worker_key", "worker_key", "ended_at"),
        Index("ix_attempts_tidied", "tidied", "ended_at"),
        _NO_KEY_TWICE,
    )
    key: Mapped[int] = mapped_column(Integer, primary_key=True)
    job_key: Mapped[int] = _job_key()
    number: Mapped[int] = mapped_column(Integer)
    worker_key: Mapped[int] = mapped_column(Integer, ForeignKey("workers.key"))
    state: Mapped[str] = mapped_column(String(20))
    started_at: Mapped[float] = mapped_column(Float)
    lease_until: Mapped[float] = mapped_column(Float)
    heartbeat_at: Mapped[float] = mapped_column(Float)
    ended_at: Mapped[float | None] = mapped_column(Float)
    reason_kind: Mapped[str | None] = mapped_column(String(50))
    reason_message: Mapped[str | None] = mapped_column(Text)
    start_step: Mapped[int | None] = mapped_column(Integer)
    resumed_from: Mapped[str | None] = mapped_column(Text)
    device: Mapped[str | None] = mapped_column(String(200))
    threads: Mapped[int | None] = mapped_column(Integer)
    versions: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    notes: Mapped[list[Any] | None] = mapped_column(JSON(none_as_null=True))
    host: Mapped[str | None] = mapped_column(String(255))
    device_count: Mapped[int | None] = mapped_column(Integer)
    device_name: Mapped[str | None] = mapped_column(String(200))
    """Of the model: the GPU's, or the processor's."""
    git_revision: Mapped[str | None] = mapped_column(String(64))
    environment: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    shared: Mapped[bool | None] = mapped_column(Boolean)
    """Whether another attempt used its device (its host, on a CPU) at the same time."""
    start_s: Mapped[float | None] = mapped_column(Float)
    """From the claim to a trainer that has the job."""
    trainer_s: Mapped[float | None] = mapped_column(Float)
    """The life of that trainer."""
    exact_macs: Mapped[float | None] = mapped_column(Float)
    """By which it took the job further than any attempt before; set when it ends."""
    performed_macs: Mapped[float | None] = mapped_column(Float)
    tidied: Mapped[bool] = mapped_column(Boolean, default=False)
    """Whether it was looked, after its end, for files that have no row."""


class Webhook(Base):
    """Where to tell of a job or a sweep that changes its state.

    One of neither: its job is deleted, and it stays until what is to be sent has been.
    """

    __tablename__ = "webhooks"
    __table_args__ = (
        Index("ix_webhooks_job_key", "job_key"),
        Index("ix_webhooks_sweep_key", "sweep_key"),
    )
    key: Mapped[int] = mapped_column(Integer, primary_key=True)
    id: Mapped[str] = mapped_column(String(36), unique=True)
    job_key: Mapped[int | None] = mapped_column(Integer, ForeignKey("jobs.key", ondelete="CASCADE"))
    sweep_key: Mapped[int | None] = mapped_column(
        Integer, ForeignKey("sweeps.key", ondelete="CASCADE")
    )
    url: Mapped[str] = mapped_column(Text)
    receiver: Mapped[str] = mapped_column(String(300))
    """Host and port of the address: one that hangs must not hold up the others."""
    secret: Mapped[str] = mapped_column(Text)
    created_at: Mapped[float] = mapped_column(Float)


class Delivery(Base):
    """One message to a webhook, until it is received or given up."""

    __tablename__ = "deliveries"
    __table_args__ = (
        Index("ix_deliveries_due", "state", "next_at"),
        Index("ix_deliveries_webhook_key", "webhook_key"),
    )
    key: Mapped[int] = mapped_column(Integer, primary_key=True)
    id: Mapped[str] = mapped_column(String(36), unique=True)
    webhook_key: Mapped[int] = mapped_column(
        Integer, ForeignKey("webhooks.key", ondelete="CASCADE")
    )
    body: Mapped[dict[str, Any]] = mapped_column(JSON)
    state: Mapped[str] = mapped_column(String(20))
    tries: Mapped[int] = mapped_column(Integer)
    next_at: Mapped[float] = mapped_column(Float)
    last_status: Mapped[int | None] = mapped_column(Integer)
    last_error: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[float] = mapped_column(Float)
    ended_at: Mapped[float | None] = mapped_column(Float)
    """When it was received or given up."""


class Counter(Base):
    """A number for monitoring that only grows, whatever becomes of the jobs it was counted at."""

    __tablename__ = "counters"
    __table_args__ = (_NO_ROWID,)
    name: Mapped[str] = mapped_column(String(50), primary_key=True)
    label: Mapped[str] = mapped_column(String(100), primary_key=True)
    value: Mapped[float] = mapped_column(Float)


class Metric(Base):
    """Number of a metric's name, so that a point is narrow."""

    __tablename__ = "metrics"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)


class Point(Base):
    """One value of a metric at a step.

    No foreign key: PostgreSQL would look the job up once a point. `jobs.delete` removes them.
    """

    __tablename__ = "points"
    __table_args__ = (_NO_ROWID,)
    job_key: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    metric_id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    step: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    value: Mapped[float | None] = mapped_column(Float)


class Summary(Base):
    """Of one metric of a job: the last value, the best, and the one at the best validation."""

    __tablename__ = "summaries"
    __table_args__ = (
        Index("ix_summaries_metric_id", "metric_id", "last_value"),
        _NO_ROWID,
    )
    job_key: Mapped[int] = _job_key(primary=True)
    metric_id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    last_step: Mapped[int] = mapped_column(Integer)
    last_value: Mapped[float | None] = mapped_column(Float)
    best_step: Mapped[int | None] = mapped_column(Integer)
    best_value: Mapped[float | None] = mapped_column(Float)
    at_best_validation: Mapped[float | None] = mapped_column(Float)


class Layer(Base):
    """One product of one layer, as it was last reported."""

    __tablename__ = "layers"
    __table_args__ = (_NO_ROWID,)
    job_key: Mapped[int] = _job_key(primary=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    step: Mapped[int] = mapped_column(Integer)
    layer: Mapped[str] = mapped_column(Text)
    product: Mapped[str] = mapped_column(String(20))
    policy: Mapped[str] = mapped_column(String(50))
    ratio: Mapped[float] = mapped_column(Float)
    pairs: Mapped[int] = mapped_column(BigInteger)
    kept: Mapped[float | None] = mapped_column(Float)
    exact_macs: Mapped[int] = mapped_column(BigInteger)
    performed_macs: Mapped[int] = mapped_column(BigInteger)
    never_kept: Mapped[float | None] = mapped_column(Float)
    error: Mapped[float | None] = mapped_column(Float)


class Checkpoint(Base):
    """A file of an attempt. Only those `current` are read; the sweeper deletes the rest."""

    __tablename__ = "checkpoints"
    __table_args__ = (
        UniqueConstraint("attempt_key", "name"),
        Index("ix_checkpoints_job_key", "job_key", "step"),
        Index("ix_checkpoints_current", "current"),
        _NO_KEY_TWICE,
    )
    key: Mapped[int] = mapped_column(Integer, primary_key=True)
    job_key: Mapped[int] = _job_key()
    attempt_key: Mapped[int] = mapped_column(
        Integer, ForeignKey("attempts.key", ondelete="CASCADE")
    )
    step: Mapped[int] = mapped_column(Integer)
    name: Mapped[str] = mapped_column(String(255))
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64))
    best: Mapped[bool] = mapped_column(Boolean)
    current: Mapped[bool] = mapped_column(Boolean)
    created_at: Mapped[float] = mapped_column(Float)


class StorageRow(Base):
    """One row: where the files of this database's jobs lie (`store.place`)."""

    __tablename__ = "storage"
    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    place: Mapped[str | None] = mapped_column(String(36))
    """What stands in the mark at its root; NULL until the first worker comes."""
    shown: Mapped[str | None] = mapped_column(Text)
    held_until: Mapped[float] = mapped_column(Float)
    """Until then no file is deleted: a backup reads them."""


class Removal(Base):
    """A deleted job whose files are still to be deleted, by whoever reaches them."""

    __tablename__ = "removals"
    job_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    at: Mapped[float] = mapped_column(Float)


class LogChunk(Base):
    """A piece of a job's log; `start` counts the characters of the job's whole log before it."""

    __tablename__ = "log_chunks"
    __table_args__ = (_NO_ROWID,)
    job_key: Mapped[int] = _job_key(primary=True)
    start: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    attempt_number: Mapped[int] = mapped_column(Integer)
    length: Mapped[int] = mapped_column(Integer)
    text: Mapped[str] = mapped_column(Text)


class Change(Base):
    """Something a watcher wants to know. Rows become visible in the order of `seq`."""

    __tablename__ = "changes"
    seq: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False
    )
    kind: Mapped[str] = mapped_column(String(20))
    at: Mapped[float] = mapped_column(Float)
    job_id: Mapped[str | None] = mapped_column(String(36))
    sweep_id: Mapped[str | None] = mapped_column(String(36))
    worker: Mapped[str | None] = mapped_column(String(200))
    attempt: Mapped[int | None] = mapped_column(Integer)
    state: Mapped[str | None] = mapped_column(String(20))
    from_step: Mapped[int | None] = mapped_column(Integer)
    to_step: Mapped[int | None] = mapped_column(Integer)


class ChangeHead(Base):
    """One row: the last `seq` given out, and the last one that was trimmed away."""

    __tablename__ = "change_head"
    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(BigInteger)
    trimmed: Mapped[int] = mapped_column(BigInteger)


class Scheduler(Base):
    """One row, locked by whoever claims, so that claims happen one at a time.

    It holds the rules of `store.shares` too, so that all who order the queue order it alike. A rule
    that is NULL is the program's own.
    """

    __tablename__ = "scheduler"
    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    claims: Mapped[int] = mapped_column(BigInteger)
    half_life_s: Mapped[float | None] = mapped_column(Float)
    max_running: Mapped[int | None] = mapped_column(Integer)
    preempt_after_s: Mapped[float | None] = mapped_column(Float)


class Duration(Base):
    """How long jobs of one shape ran, all their attempts together, until they had succeeded."""

    __tablename__ = "durations"
    __table_args__ = (_NO_ROWID,)
    shape: Mapped[str] = mapped_column(String(64), primary_key=True)
    run_s: Mapped[float] = mapped_column(Float)
    jobs: Mapped[int] = mapped_column(Integer)
    """How many have told."""
