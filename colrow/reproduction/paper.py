"""The report of a reproduction: ours beside the paper's, with a verdict per line."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from colrow import timing
from colrow.client import Client
from colrow.figures import NONE, duration, last, share
from colrow.report.document import Block, Cell, Code, Document, Mark, Paragraph, Section, Table
from colrow.report.facts import surroundings
from colrow.reproduction import accounting, runs, symmetry
from colrow.reproduction.judge import Judged, difference, judge
from colrow.reproduction.parts import Experiment, Setting
from colrow.reproduction.pictures import pictures
from colrow.reproduction.results import Results
from colrow.reproduction.runs import Scale as Size
from colrow.reproduction.symmetry import Reader
from colrow.scales import Scale
from crs_core.statistics import stat


def build(
    client: Client,
    experiments: Sequence[Experiment],
    size: Size,
    *,
    weights: Reader | None = None,
) -> Document:
    """Read what the service has of the experiments, and write it up.

    `weights` reads those of a job, where its checkpoints can be reached.
    """
    results = Results(client, runs.read(client), size)
    judged = {
        e.name: [judge(claim, results.values, quick=size.quick) for claim in e.claims]
        for e in experiments
    }
    sections = [
        Section("Every claim", (_claims(experiments, judged),)),
        accounting.section(),
        *(_experiment(experiment, results) for experiment in experiments),
        *_symmetry(experiments, results, weights),
        Section("What it ran on", (_surroundings(client, experiments, results),)),
        _again(experiments, size),
    ]
    title = "The paper, reproduced" + (" in a small version" if size.quick else "")
    lead = _lead([j for found in judged.values() for j in found], size)
    return Document(title, lead, tuple(sections))


def _lead(judged: Sequence[Judged], size: Size) -> str:
    kinds = [j.verdict.kind for j in judged]
    counted = (
        f"Of {len(judged)} claims of Adelman & Silberstein 2018, {kinds.count('good')} hold, "
        f"{kinds.count('bad')} do not, and {kinds.count('open')} are open."
    )
    if not size.quick:
        return counted
    return (
        "Small networks on data that ships with Python packages, to show that every table and "
        f"figure can be made; it says nothing of the paper's numbers. {counted}"
    )


def _symmetry(
    experiments: Sequence[Experiment], results: Results, weights: Reader | None
) -> list[Section]:
    exact: dict[str, Setting] = {}
    for experiment in experiments:
        for setting in experiment.settings:
            if setting.series == "exact" and results.succeeded(setting):
                spec = setting.spec(0, quick=results.scale.quick)
                exact.setdefault(runs.identity(spec), setting)
    found = symmetry.section(list(exact.values()), results, weights) if weights else None
    return [] if found is None else [found]


def _claims(experiments: Sequence[Experiment], judged: dict[str, list[Judged]]) -> Table:
    rows = [
        (e.name, j.says, j.paper, j.ours, j.interval, j.verdict)
        for e in experiments
        for j in judged[e.name]
    ]
    return Table(
        ("", "the paper says", ">paper", ">ours (n)", ">95 % interval", "verdict"),
        tuple(rows),
        "Where the paper gives a number, ours is the mean over seeds and its interval; else the "
        "difference, taken seed by seed. A relation holds when its interval excludes the contrary. "
        "Each line is judged alone: of many at 95 %, a few go wrong by chance.",
    )


def _experiment(experiment: Experiment, results: Results) -> Section:
    blocks: list[Block] = [Paragraph(experiment.about), *pictures(experiment, results)]
    return Section(experiment.title, (*blocks, _settings(experiment, results)))


def _settings(experiment: Experiment, results: Results) -> Table:
    exact = {s.recipe.name: s for s in experiment.settings if s.series == "exact"}
    rows = []
    for setting in experiment.settings:
        if not results.scale.of(setting):
            continue
        name = experiment.name_of(setting)
        rows.append((name, *_numbers(setting, exact.get(setting.recipe.name), results)))
    metric = Scale.of(experiment.settings[0].recipe.metric).title
    columns = (
        "setting", f">{metric} (n)", ">Δ to exact", ">95 % interval", ">reduction planned",
        ">performed", ">time / exact", ">in sampling", ">jobs",
    )  # fmt: skip
    return Table(
        columns,
        tuple(rows),
        "Time is that of whole jobs. `benchmarks/policy_time.py` takes the times of a step side by "
        f"side. {timing.explained(_caveats(experiment, exact, results)) or ''}".rstrip(),
    )


def _numbers(setting: Setting, exact: Setting | None, results: Results) -> tuple[Cell, ...]:
    scale, values = Scale.of(setting.recipe.metric), results.values(setting)
    jobs = results.succeeded(setting).values()
    evidence = None
    if exact is not None and exact is not setting:
        evidence = difference(setting, exact, results.values)
    seconds = _mean(last(job["summary"], "seconds") for job in jobs)
    sampling = _mean(last(job["summary"], "sampling_seconds") for job in jobs)
    base_s, mark = None, ""
    if exact is not None:
        base = results.succeeded(exact).values()
        base_s = _mean(last(job["summary"], "seconds") for job in base)
        mark = f" {timing.MARK}" if timing.caveat([*jobs, *base]) else ""
    return (
        scale.spread(stat(values.values())),
        scale.difference(evidence.mean) if evidence else NONE,
        scale.interval(evidence.low, evidence.high) if evidence else NONE,
        share(_mean(job["planned_compute_reduction"] for job in jobs)),
        share(_mean(last(job["summary"], "compute_reduction") for job in jobs)),
        f"{seconds / base_s:.2f}{mark}" if seconds and base_s else duration(seconds),
        share(sampling / seconds) if seconds and sampling is not None else NONE,
        _states(setting, results),
    )


def _caveats(
    experiment: Experiment, exact: Mapping[str, Setting], results: Results
) -> dict[str, None]:
    """Give why times are no measure, each reason once."""
    found: dict[str, None] = {}
    for setting in experiment.settings:
        base = exact.get(setting.recipe.name)
        jobs = [] if base is None else [*results.succeeded(setting).values()]
        if jobs and base and (caveat := timing.caveat([*jobs, *results.succeeded(base).values()])):
            found[caveat] = None
    return found


def _mean(values: Iterable[float | None]) -> float | None:
    return stat(values).mean


def _states(setting: Setting, results: Results) -> Cell:
    """Say how many jobs succeeded, and what became of the others."""
    wanted = results.scale.of(setting)
    found = results.jobs(setting)
    states = [found[seed]["state"] if seed in found else "not run" for seed in wanted]
    for seed, job in found.items():
        if job["state"] == "failed" and job["reason"]:
            states[wanted.index(seed)] = job["reason"]["kind"]
    others = [f"{states.count(s)} {s}" for s in dict.fromkeys(states) if s != "succeeded"]
    if not others:
        return f"{len(wanted)} of {len(wanted)}"
    return Mark(", ".join([f"{states.count('succeeded')} of {len(wanted)}", *others]), "open")


def _surroundings(client: Client, experiments: Sequence[Experiment], results: Results) -> Table:
    ids = {
        job["id"]
        for experiment in experiments
        for setting in experiment.settings
        for job in results.succeeded(setting).values()
    }
    return surroundings([client.job(each) for each in sorted(ids)])


def _again(experiments: Sequence[Experiment], size: Size) -> Section:
    words = ["colrow", "reproduce", *(e.name for e in experiments)]
    words += ["--quick"] if size.quick else []
    words += [] if size.seeds is None else ["--seeds", str(size.seeds)]
    return Section(
        "To make it again",
        (
            Paragraph(
                f"Written {datetime.now(UTC):%Y-%m-%d %H:%M} UTC. Seeds are 0, 1, 2, … of each "
                "setting. What the service has is kept."
            ),
            Code(" ".join(words), "sh"),
        ),
    )
