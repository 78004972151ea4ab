"""The shapes of what the service answers, as typed dictionaries. Long, and one idea.

A test holds them equal to the OpenAPI document. Times are RFC 3339 texts. It is long and one idea:
a type for each shape.
"""

from typing import Any, Literal, TypedDict

JobState = Literal["queued", "running", "paused", "succeeded", "failed", "cancelled"]
ENDED: frozenset[str] = frozenset(("succeeded", "failed", "cancelled"))


class PlanProduct(TypedDict):
    """One product of one layer in one training step."""

    product: Literal["forward", "grad_input", "grad_weight"]
    ratio: float
    pairs: int
    kept: int
    exact_macs: int
    planned_macs: int
    reduction: float


class PlanLayer(TypedDict):
    """What the rules resolve to for one layer."""

    name: str
    kind: str
    policy: dict[str, Any]
    forward: float
    backward: float
    min_samples: int
    schedule: dict[str, Any] | None
    gates: list[str] | None
    rule: int | None
    products: list[PlanProduct]
    exact_macs: int
    planned_macs: int
    reduction: float


class Plan(TypedDict):
    """What a spec costs and saves, before a step is run."""

    spec: dict[str, Any]
    layers: list[PlanLayer]
    steps: int
    steps_per_epoch: int
    exact_macs: int
    planned_macs: int
    planned_compute_reduction: float
    planned_is_bound: bool


class Reason(TypedDict):
    """Why a job or an attempt ended as it did."""

    kind: str
    message: str


class Progress(TypedDict):
    """How far a job is."""

    step: int
    of: int | None
    epoch: float | None
    steps_per_s: float | None
    eta_s: float | None


class SummaryValue(TypedDict):
    """One metric of one job in three numbers."""

    last: float | None
    best: float | None
    at_best_validation: float | None


class Attempt(TypedDict):
    """One execution of a job by a worker."""

    number: int
    state: str
    worker: str | None
    host: str
    device: str | None
    device_name: str | None
    device_count: int | None
    threads: int | None
    versions: dict[str, str] | None
    git_revision: str | None
    environment: dict[str, str] | None
    shared: bool | None
    start_s: float | None
    trainer_s: float | None
    started_at: str
    heartbeat_at: str
    finished_at: str | None
    reason: Reason | None
    start_step: int | None
    resumed_from: str | None
    notes: list[str]


class JobItem(TypedDict):
    """A job as lists show it."""

    id: str
    name: str
    state: JobState
    tags: list[str]
    priority: int
    owner: str
    sweep_id: str | None
    created_at: str
    started_at: str | None
    finished_at: str | None
    model: str
    dataset: str
    policy: str
    seed: int
    queue_position: int | None
    reason: Reason | None
    progress: Progress
    summary: dict[str, SummaryValue]
    planned_compute_reduction: float
    wish: Literal["cancel", "pause", "preempt"] | None
    notes: str
    attempt_count: int
    device: str | None
    time_caveat: str | None
    spec: dict[str, Any] | None


class Job(JobItem):
    """A job, whole."""

    attempts: list[Attempt]


class LayerState(TypedDict):
    """One product of one layer, summed over the job so far."""

    layer: str
    product: Literal["forward", "grad_input", "grad_weight"]
    policy: str
    ratio: float
    pairs: int
    kept: float
    exact_macs: int
    performed_macs: int
    never_kept: float | None
    error: float | None


class QueuedJob(TypedDict):
    """A queued job, in the order they would start."""

    position: int
    job: str
    name: str
    priority: int
    owner: str
    sweep_id: str | None
    queued_at: str
    waits_for: str | None
    starts_at: str | None


class Curve(TypedDict):
    """One metric of one job: arrays of equal length."""

    job: str
    metric: str
    steps: list[int]
    values: list[float | None]
    non_finite: list[int]
    of: int
    reduced: bool


class PlannedJob(TypedDict):
    """One job that a sweep would make."""

    name: str
    settings: dict[str, Any]
    planned_compute_reduction: float


class SweepPlan(TypedDict):
    """What a sweep would make."""

    dry_run: Literal[True]
    count: int
    exact_macs: int
    planned_macs: int
    planned_compute_reduction: float
    jobs: list[PlannedJob]


class Sweep(TypedDict):
    """A sweep and the state of its jobs."""

    id: str
    name: str
    created_at: str
    owner: str
    base: dict[str, Any]
    axes: dict[str, list[Any]]
    variants: list[dict[str, Any]]
    counts: dict[str, int]
    jobs: list[str]


class Spread(TypedDict):
    """Mean and sample standard deviation over a group's members."""

    mean: float | None
    std: float | None
    n: int


class Delta(TypedDict):
    """Difference of a group's mean to the baseline's."""

    mean: float
    std: float | None
    n: int
    paired: bool


class Margin(TypedDict):
    """How much worse than its baseline a group may be to lose nothing."""

    value: float
    is_relative: bool


class Evidence(TypedDict):
    """How sure a group's difference to its baseline is."""

    mean: float
    low: float | None
    high: float | None
    n: int
    paired: bool
    margin: float
    verdict: Literal["within", "worse", "undecided"]
    more_seeds: int | None
    says: str


class Member(TypedDict):
    """One job of a group."""

    job: str
    seed: int
    state: JobState
    reason: str | None
    x: float | None
    y: float | None


class Group(TypedDict):
    """Jobs that are the same but for what was grouped away."""

    key: str
    label: str
    settings: dict[str, Any]
    policy: str
    ratio: float | None
    model: str
    dataset: str
    n: int
    pending: int
    members: list[Member]
    x: Spread
    y: Spread
    seconds: Spread
    planned_compute_reduction: Spread
    delta_y: Delta | None
    evidence: Evidence | None
    seconds_ratio: float | None
    time_caveat: str | None
    baseline: str | None
    is_baseline: bool
    is_pareto: bool


class Checkpoint(TypedDict):
    """A complete file of a job's state."""

    id: int
    attempt: int
    step: int
    name: str
    size_bytes: int
    sha256: str
    best: bool
    created_at: str


class Comparison(TypedDict):
    """Groups of jobs against each other."""

    x: str
    y: str
    better: Literal["higher", "lower", "none"]
    margin: Margin
    baseline: str | None
    groups: list[Group]


class Worker(TypedDict):
    """A slot: one worker process and the devices it owns."""

    name: str
    host: str
    pid: int
    kind: Literal["cpu", "cuda"]
    state: Literal["idle", "busy", "lost"]
    devices: list[str]
    hardware: list[dict[str, Any]]
    threads: int | None
    memory_bytes: int | None
    memory_used_bytes: int | None
    device_use: list[dict[str, Any]]
    versions: dict[str, str] | None
    datasets: list[str]
    job: str | None
    attempt: int | None
    started_at: str
    heartbeat_at: str


class WhoAmI(TypedDict):
    """Who asks, and how that is known; `loopback`: no login is needed."""

    user: str
    role: Literal["viewer", "user", "admin"]
    by: Literal["loopback", "token", "cookie"]
    token_id: str | None
    token_name: str | None
    expires_at: str | None


class Delivery(TypedDict):
    """One message to a webhook, and how far it came."""

    id: str
    event: str
    state: Literal["waiting", "sending", "delivered", "given_up"]
    tries: int
    created_at: str
    next_at: str | None
    ended_at: str | None
    last_status: int | None
    last_error: str | None


class Webhook(TypedDict):
    """Whom to tell when a job or a sweep has ended."""

    id: str
    url: str
    job: str | None
    sweep: str | None
    created_at: str
    deliveries: list[Delivery]


class NewWebhook(Webhook):
    """A webhook that was entered just now, with the secret of its messages."""

    secret: str
