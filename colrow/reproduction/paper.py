"""The report of a reproduction: ours beside the paper's, with a verdict per line."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from colrow.figures import NONE, duration, share
from colrow.report.document import Block, Cell, Code, Document, Mark, Paragraph, Section, Table
from colrow.reproduction import accounting, symmetry
from colrow.reproduction.judge import Judged, difference, judge
from colrow.reproduction.parts import Experiment, Setting
from colrow.reproduction.pictures import pictures
from colrow.reproduction.records import RESULTS
from colrow.reproduction.results import Results
from colrow.reproduction.runs import Scale as Size
from colrow.reproduction.sources import Sources
from colrow.scales import Scale
from crs_core.statistics import stat


def build(results: Results, experiments: Sequence[Experiment]) -> Document:
    """Write up what the results say of the experiments."""
    size = results.scale
    judged = {
        e.name: [judge(claim, results.outcome, quick=size.quick) for claim in e.claims]
        for e in experiments
    }
    sources = Sources(
        record for e in experiments for s in e.settings for record in results.of(s).values()
    )
    sections = [
        Section("Every claim", (_claims(experiments, judged, results, sources),)),
        accounting.section(),
        *(_experiment(experiment, results, sources) for experiment in experiments),
        *_symmetry(experiments, results),
        _where(sources),
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


def _symmetry(experiments: Sequence[Experiment], results: Results) -> list[Section]:
    exact: dict[str, Setting] = {}
    for setting in (s for experiment in experiments for s in experiment.settings):
        if setting.series == "exact" and 0 in results.succeeded(setting):
            exact.setdefault(results.keys(setting)[0], setting)
    found = symmetry.section(list(exact.values()), results)
    return [] if found is None else [found]


def _claims(
    experiments: Sequence[Experiment],
    judged: dict[str, list[Judged]],
    results: Results,
    sources: Sources,
) -> Table:
    rows = []
    for experiment in experiments:
        for claim, j in zip(experiment.claims, judged[experiment.name], strict=True):
            records = [r for s in claim.settings for r in results.of(s).values()]
            row = (experiment.name, j.says, j.paper, j.ours, j.interval, j.verdict)
            rows.append((*row, sources.said(records)))
    return Table(
        ("", "the paper says", ">paper", ">ours (n)", ">95 % interval", "verdict", ">source"),
        tuple(rows),
        "Where the paper gives a number, ours is the mean over seeds and its interval; else the "
        "difference, taken seed by seed. A relation holds when its interval excludes the contrary. "
        "Each line is judged alone: of many at 95 %, a few go wrong by chance. A training that "
        "diverged has no value and is in no mean, but it is not passed over: a number or a 'loses "
        "nothing' does not hold for a setting that has one, nor an order whose better side has "
        "one; on the worse side it speaks for the order; against a baseline that has one, 'loses "
        "nothing' stays undecided.",
    )


def _experiment(experiment: Experiment, results: Results, sources: Sources) -> Section:
    blocks: list[Block] = [Paragraph(experiment.about), *pictures(experiment, results)]
    return Section(experiment.title, (*blocks, _settings(experiment, results, sources)))


def _settings(experiment: Experiment, results: Results, sources: Sources) -> Table:
    exact = {s.recipe.name: s for s in experiment.settings if s.series == "exact"}
    rows = []
    for setting in experiment.settings:
        if not results.scale.of(setting):
            continue
        name = experiment.name_of(setting)
        numbers = _numbers(setting, exact.get(setting.recipe.name), results)
        rows.append((name, *numbers, sources.said(results.of(setting).values())))
    metric = Scale.of(experiment.settings[0].recipe.metric).title
    columns = (
        "setting", f">{metric} (n)", ">Δ to exact", ">95 % interval", ">reduction planned",
        ">performed", ">time / exact", ">in sampling", ">jobs", ">source",
    )  # fmt: skip
    return Table(
        columns,
        tuple(rows),
        "Time is that of whole jobs, whatever else the machine did meanwhile: a hint, no "
        "measurement; a ratio where all of them ran on the same machine. "
        "`benchmarks/policy_time.py` takes the times of a step side by side.",
    )


def _numbers(setting: Setting, exact: Setting | None, results: Results) -> tuple[Cell, ...]:
    scale, values = Scale.of(setting.recipe.metric), results.values(setting)
    records = list(results.succeeded(setting).values())
    evidence = None
    if exact is not None and exact is not setting:
        evidence = difference(setting, exact, results.outcome)
    seconds = _mean(r.summary.get("seconds") for r in records)
    sampling = _mean(r.summary.get("sampling_seconds") for r in records)
    base = list(results.succeeded(exact).values()) if exact is not None else []
    is_timed = len({r.source.machine for r in (*records, *base)}) == 1
    base_s = _mean(r.summary.get("seconds") for r in base) if is_timed else None
    return (
        scale.spread(stat(values.values())),
        scale.difference(evidence.mean) if evidence else NONE,
        scale.interval(evidence.low, evidence.high) if evidence else NONE,
        share(_mean(r.planned_compute_reduction for r in records)),
        share(_mean(r.summary.get("compute_reduction") for r in records)),
        f"{seconds / base_s:.2f}" if seconds and base_s else duration(seconds),
        share(sampling / seconds) if seconds and sampling is not None else NONE,
        _states(setting, results),
    )


def _mean(values: Iterable[float | None]) -> float | None:
    return stat(values).mean


def _states(setting: Setting, results: Results) -> Cell:
    """Say how many jobs succeeded, and what became of the others."""
    states = results.states(setting)
    others = [f"{states.count(s)} {s}" for s in dict.fromkeys(states) if s != "succeeded"]
    if not others:
        return f"{len(states)} of {len(states)}"
    text = ", ".join([f"{states.count('succeeded')} of {len(states)}", *others])
    return Mark(text, "bad" if "diverged" in states else "open")


def _where(sources: Sources) -> Section:
    return Section(
        "Where the results come from",
        (
            Paragraph(
                f"Every result, with its spec, stands in {RESULTS} beside this report, a line a "
                "job; the next report counts what is in there as it counts the service's own jobs."
            ),
            sources.table(),
        ),
    )


def _again(experiments: Sequence[Experiment], size: Size) -> Section:
    words = ["colrow", "reproduce", *(e.name for e in experiments)]
    words += ["--quick"] if size.quick else []
    words += [] if size.seeds is None else ["--seeds", str(size.seeds)]
    return Section(
        "To make it again",
        (
            Paragraph(
                f"Written {datetime.now(UTC):%Y-%m-%d %H:%M} UTC. Seeds are 0, 1, 2, … of each "
                "setting. What has a result, in the service or beside the report, is not run "
                "again; in another folder (--out) everything is."
            ),
            Code(" ".join(words), "sh"),
        ),
    )
