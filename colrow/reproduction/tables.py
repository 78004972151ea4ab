"""A line for each setting of an experiment: what it came to, what it cost, where it comes from."""

from collections.abc import Iterable, Mapping, Sequence

from colrow import timing
from colrow.figures import NONE, duration, number, share
from colrow.report.document import Cell, Mark, Table
from colrow.reproduction.judge import difference
from colrow.reproduction.parts import Experiment, Setting
from colrow.reproduction.records import Record
from colrow.reproduction.results import Results, at_half
from colrow.reproduction.sources import Sources
from colrow.scales import Scale
from crs_core.statistics import stat

_ERRORS = {
    "frobenius_error": "Frobenius",
    "spectral_error": "spectral",
    "element_error": "per element",
    "rms_error": "root mean square",
    "expected_error": "its expectation",
}


def settings_table(experiment: Experiment, results: Results, sources: Sources) -> Table:
    """Make the table of an experiment; settings of which this scale runs no seed are left out."""
    settings = [s for s in experiment.settings if results.scale.of(s)]
    make = _studies if experiment.settings[0].recipe.is_study else _trainings
    return make(experiment, settings, results, sources)


def _trainings(
    experiment: Experiment, settings: Sequence[Setting], results: Results, sources: Sources
) -> Table:
    exact = {s.recipe.name: s for s in experiment.settings if s.series == "exact"}
    rows = [
        (
            experiment.name_of(setting),
            *_training(setting, exact.get(setting.recipe.name), results),
            _states(setting, results),
            sources.said(results.of(setting).values()),
        )
        for setting in settings
    ]
    metric = Scale.of(experiment.settings[0].recipe.metric).title
    columns = (
        "setting", f">{metric} (n)", ">Δ to exact", ">95 % interval", ">reduction planned",
        ">performed", ">time / exact", ">in sampling", ">jobs", ">source",
    )  # fmt: skip
    return Table(
        columns,
        tuple(rows),
        "Time is that of whole jobs; a ratio where all of them ran on the same machine. "
        "`benchmarks/policy_time.py` takes the times of a step side by side. "
        f"{timing.explained(_caveats(settings, exact, results)) or ''}".rstrip(),
    )


def _training(setting: Setting, exact: Setting | None, results: Results) -> tuple[Cell, ...]:
    scale = Scale.of(setting.recipe.metric)
    records = list(results.succeeded(setting).values())
    evidence = None
    if exact is not None and exact is not setting:
        evidence = difference(setting, exact, results.outcome)
    seconds = _mean(r.summary.get("seconds") for r in records)
    sampling = _mean(r.summary.get("sampling_seconds") for r in records)
    base = list(results.succeeded(exact).values()) if exact is not None else []
    is_timed = len({r.source.machine for r in (*records, *base)}) == 1
    base_s = _mean(r.summary.get("seconds") for r in base) if is_timed else None
    mark = f" {timing.MARK}" if any(r.source.caveat for r in (*records, *base)) else ""
    return (
        scale.spread(stat(results.values(setting).values())),
        scale.difference(evidence.mean) if evidence else NONE,
        scale.interval(evidence.low, evidence.high) if evidence else NONE,
        share(_mean(r.planned_compute_reduction for r in records)),
        share(_mean(r.summary.get("compute_reduction") for r in records)),
        f"{seconds / base_s:.2f}{mark}" if seconds and base_s else duration(seconds),
        share(sampling / seconds) if seconds and sampling is not None else NONE,
    )


def _caveats(
    settings: Sequence[Setting], exact: Mapping[str, Setting], results: Results
) -> dict[str, None]:
    """Give why times that are set side by side are no measure, each reason once."""
    compared = [s for s in settings if s.recipe.name in exact]
    sources = (r.source for s in compared for r in results.succeeded(s).values())
    return dict.fromkeys(source.caveat for source in sources if source.caveat)


def _studies(
    experiment: Experiment, settings: Sequence[Setting], results: Results, sources: Sources
) -> Table:
    rows = []
    for setting in settings:
        records = list(results.succeeded(setting).values())
        mean = stat(results.values(setting).values())
        rows.append(
            (
                experiment.name_of(setting),
                Scale.of(setting.recipe.metric).spread(mean),
                *(number(_half(records, metric)) for metric in _ERRORS),
                _cost(records),
                _time(records),
                _states(setting, results),
                sources.said(results.of(setting).values()),
            )
        )
    columns = (
        "setting", ">mean over the shares (n)", *(f">{title}" for title in _ERRORS.values()),
        ">MACs / exact", ">time / exact", ">jobs", ">source",
    )  # fmt: skip
    return Table(
        columns,
        tuple(rows),
        "Errors are relative to ‖A‖‖B‖. The first is averaged over the shares of pairs, seed by "
        "seed, and is what the claims are about; all further columns are at half of the pairs, "
        "with all that a method needs. The root mean square stands beside its exact expectation "
        "where that is known. Time is that of one product with its scores and draws.",
    )


def _half(records: Iterable[Record], metric: str) -> float | None:
    return _mean(at_half(record, metric) for record in records)


def _cost(records: Sequence[Record]) -> str:
    saved = _half(records, "compute_reduction")
    return NONE if saved is None else f"{1 - saved:.2f}"


def _time(records: Sequence[Record]) -> str:
    ours, exact = (_half(records, f"{part}product_seconds") for part in ("", "exact_"))
    return f"{ours / exact:.3g}" if ours and exact else NONE


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
