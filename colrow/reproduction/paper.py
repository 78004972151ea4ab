"""The report of a reproduction: ours beside the paper's, with a verdict per line."""

from collections.abc import Sequence
from datetime import UTC, datetime

from colrow.report.document import Block, Code, Document, Paragraph, Section, Table
from colrow.reproduction import accounting, symmetry
from colrow.reproduction.judge import Judged, judge
from colrow.reproduction.parts import Experiment, Setting
from colrow.reproduction.pictures import pictures
from colrow.reproduction.records import RESULTS
from colrow.reproduction.results import Results
from colrow.reproduction.runs import Scale as Size
from colrow.reproduction.sources import Sources
from colrow.reproduction.tables import settings_table


def build(results: Results, experiments: Sequence[Experiment]) -> Document:
    """Write up what the results say of the experiments."""
    size = results.scale
    sources = Sources(
        record for e in experiments for s in e.settings for record in results.of(s).values()
    )
    theirs = [e for e in experiments if e.of_paper]
    own = [e for e in experiments if not e.of_paper]
    judged = _judged(theirs, results)
    sections = [
        *_claims("Every claim", "the paper says", theirs, results, sources, _HOW),
        *_claims("Beyond the paper", "asked", own, results, sources, _OURS),
        accounting.section(),
        *(_experiment(experiment, results, sources) for experiment in experiments),
        *_symmetry(experiments, results),
        _where(sources),
        _again(experiments, size),
    ]
    title = "The paper, reproduced" + (" in a small version" if size.quick else "")
    return Document(title, _lead(judged, size), tuple(sections))


def _judged(experiments: Sequence[Experiment], results: Results) -> list[Judged]:
    quick = results.scale.quick
    return [judge(c, results.outcome, quick=quick) for e in experiments for c in e.claims]


def _lead(judged: Sequence[Judged], size: Size) -> str:
    kinds = [j.verdict.kind for j in judged]
    counted = (
        f"Of {len(judged)} claims of Adelman & Silberstein 2018, {kinds.count('good')} hold, "
        f"{kinds.count('bad')} do not, and {kinds.count('open')} are open."
    )
    if not judged:
        counted = "What is asked here is beyond the paper."
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


_HOW = (
    "Where the paper gives a number, ours is the mean over seeds and its interval; else the "
    "difference, taken seed by seed. A relation holds when its interval excludes the contrary. "
    "Each line is judged alone: of many at 95 %, a few go wrong by chance. A training that "
    "diverged has no value and is in no mean, but it is not passed over: a number or a 'loses "
    "nothing' does not hold for a setting that has one, nor an order whose better side has one; "
    "on the worse side it speaks for the order; against a baseline that has one, 'loses nothing' "
    "stays undecided."
)
_OURS = "No claims of the paper: what this report asks besides, judged in the same way."


def _claims(
    title: str,
    says: str,
    experiments: Sequence[Experiment],
    results: Results,
    sources: Sources,
    how: str,
) -> list[Section]:
    """Judge every claim of experiments, a line each; nothing where there is none."""
    if not experiments:
        return []
    rows = []
    for experiment in experiments:
        for claim, j in zip(experiment.claims, _judged([experiment], results), strict=True):
            records = [r for s in claim.settings for r in results.of(s).values()]
            row = (experiment.name, j.says, j.paper, j.ours, j.interval, j.verdict)
            rows.append((*row, sources.said(records)))
    columns = ("", says, ">paper", ">ours (n)", ">95 % interval", "verdict", ">source")
    if not experiments[0].of_paper:
        columns = ("", says, ">to hold", *columns[3:])
    return [Section(title, (Table(columns, tuple(rows), how),))]


def _experiment(experiment: Experiment, results: Results, sources: Sources) -> Section:
    blocks: list[Block] = [Paragraph(experiment.about), *pictures(experiment, results)]
    return Section(experiment.title, (*blocks, settings_table(experiment, results, sources)))


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
                "setting. What has a result, in the service or beside the report, stays as it "
                "is; into another folder (--out) everything is run."
            ),
            Code(" ".join(words), "sh"),
        ),
    )
