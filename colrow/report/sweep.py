"""The report of a sweep: what is compared, how sure it is, and how to make it again.

All is read through the service; nothing is computed here that the service says.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import yaml

from colrow import timing
from colrow.answers import Comparison, Curve, Group, Job, Sweep
from colrow.client import Client
from colrow.errors import ColrowError
from colrow.figures import NONE, how_many_failed, share, which_failed
from colrow.report import plots, study
from colrow.report.averages import mean_line
from colrow.report.document import Block, Code, Document, Mark, Paragraph, Picture, Section, Table
from colrow.report.facts import job_table, surroundings
from colrow.report.plots import Axis, Level, Line
from colrow.scales import Scale
from crs_core.statistics import Stat

_OTHER_SHARES = ("exploration", "coverage", "backward", "from", "last")
"""Words of a label before a share that is no forward ratio."""
METRICS = ("best_test_accuracy", "best_test_perplexity", "frobenius_error")
"""By what jobs are compared: the first of these that one of them has."""


def build(client: Client, sweep_id: str, *, margin: float | None = None) -> Document:
    """Read a sweep and make its report. Raises ColrowError when none of its jobs has ended well."""
    sweep = client.sweep_state(sweep_id)
    jobs = [client.job(each) for each in sweep["jobs"]]
    if not any(job["state"] == "succeeded" for job in jobs):
        raise ColrowError(
            f"no job of sweep {sweep_id} has succeeded yet, so there is nothing to report; "
            "follow it with `colrow compare`"
        )
    metric = metric_of(jobs)
    if metric == "frobenius_error":
        return _of_study(client, sweep, jobs)
    comparison = client.comparison(sweep=[sweep_id], y=metric, margin=margin)
    labels = {m["job"]: g["label"] for g in comparison["groups"] for m in g["members"]}
    sections = (
        Section("What was found", _findings(comparison)),
        Section("Learning curves", tuple(_curves(client, comparison, metric))),
        Section("Every job", (job_table(labels, jobs, metric),)),
        Section("What it ran on", (surroundings(jobs),)),
        Section("To make it again", tuple(_again(sweep, jobs))),
    )
    title = sweep["name"] or f"sweep {sweep_id}"
    return Document(title, _lead(comparison, sweep), tuple(s for s in sections if s.blocks))


def _of_study(client: Client, sweep: Sweep, jobs: Sequence[Job]) -> Document:
    """Make the report of a sweep over studies: nothing is trained, so there is no baseline."""
    # The errors are a curve each; what is compared here is one number a job, for the groups.
    comparison = client.comparison(sweep=[sweep["id"]], y="seconds")
    methods = {
        group["label"]: [m["job"] for m in group["members"] if m["state"] == "succeeded"]
        for group in comparison["groups"]
    }
    counts = ", ".join(f"{n} {state}" for state, n in sweep["counts"].items() if n)
    sections = (
        Section("Errors of products", tuple(study.blocks(client, methods))),
        Section("What it ran on", (surroundings(jobs),)),
        Section("To make it again", tuple(_again(sweep, jobs))),
    )
    title = sweep["name"] or f"sweep {sweep['id']}"
    lead = f"Errors of {len(methods)} ways to approximate a product. {len(jobs)} jobs ({counts})."
    return Document(title, lead, sections)


def metric_of(jobs: Sequence[Job]) -> str:
    """Choose the metric that the jobs are compared by."""
    known = {name for job in jobs for name in job["summary"]}
    return next((name for name in METRICS if name in known), METRICS[0])


def _lead(comparison: Comparison, sweep: Sweep) -> str:
    counts = ", ".join(f"{n} {state}" for state, n in sweep["counts"].items() if n)
    margin = comparison["margin"]
    unit = "% of the exact mean" if margin["is_relative"] else "points"
    judged = [g["evidence"]["verdict"] for g in comparison["groups"] if g["evidence"]]
    if not judged:
        said = "There is no exact baseline, so nothing is judged."
    else:
        said = (
            f"At a margin of {margin['value']:g} {unit}, of {len(judged)} approximate settings: "
            f"{judged.count('within')} within, {judged.count('worse')} worse, "
            f"{judged.count('undecided')} undecided."
        )
    return f"{said} {len(sweep['jobs'])} jobs ({counts})."


def _findings(comparison: Comparison) -> tuple[Block, ...]:
    scale = Scale.of(comparison["y"])
    picture = trade_off(comparison)
    blocks: list[Block] = [group_table(comparison)]
    if picture is not None:
        blocks.insert(0, picture)
    blocks.append(
        Paragraph(
            f"{scale.title.capitalize()} is {scale.says}, mean ± sample standard deviation over "
            "seeds. The difference to exact is taken seed by seed; its 95 % interval is Student's "
            "(Welch's where groups share no seed). Compute reduction counts multiply-accumulates "
            "of matrix products and convolutions alone; time stands beside it. A job that failed "
            "is in no mean; a setting with one that diverged is never within the margin, and "
            "against an exact one with one that diverged nothing is decided."
        )
    )
    if note := timing.footnote(comparison["groups"]):
        blocks.append(Paragraph(f"{note}."))
    return tuple(blocks)


def verdict(group: Group) -> Mark | str:
    """Give the verdict of a group as a mark."""
    evidence = group["evidence"]
    if evidence is None:
        if group["is_baseline"]:
            return "baseline"
        return Mark(failed, "bad") if (failed := how_many_failed(group)) else NONE
    kinds: dict[str, Any] = {"within": "good", "worse": "bad", "undecided": "open"}
    note = "" if evidence["paired"] else " (seeds not shared)"
    return Mark(evidence["says"] + note, kinds[evidence["verdict"]])


def group_table(comparison: Comparison) -> Table:
    """List the groups, the baseline first."""
    scale = Scale.of(comparison["y"])
    rows = []
    for group in sorted(comparison["groups"], key=lambda g: not g["is_baseline"]):
        delta, evidence = group["delta_y"], group["evidence"]
        rows.append(
            (
                group["label"],
                scale.spread(Stat(**group["y"])),
                scale.difference(delta["mean"] if delta else None),
                scale.interval(evidence["low"], evidence["high"]) if evidence else NONE,
                verdict(group),
                share(group["planned_compute_reduction"]["mean"]),
                share(group["x"]["mean"]),
                timing.ratio(group),
                which_failed(group) or NONE,
            )
        )
    columns = (
        "setting", f">{scale.title} (n)", ">Δ to exact", ">95 % interval", "verdict",
        ">reduction planned", ">performed", ">time / exact", "failed",
    )  # fmt: skip
    return Table(columns, tuple(rows))


def trade_off(comparison: Comparison) -> Picture | None:
    """Draw y against compute reduction, a line for what differs in the ratio alone.

    The baseline is a band.
    """
    scale = Scale.of(comparison["y"])
    families: dict[str, list[Group]] = {}
    level = None
    for group in comparison["groups"]:
        mean = group["y"]["mean"]
        if mean is None:
            continue
        spread = group["y"]["std"] or 0.0
        if group["is_baseline"]:
            level = Level("exact", mean, mean - spread, mean + spread)
        elif group["x"]["mean"] is not None:
            families.setdefault(family(group), []).append(group)
    if not families:
        return None
    lines = []
    for name, groups in families.items():
        groups.sort(key=lambda g: g["x"]["mean"] or 0.0)
        ys = [g["y"]["mean"] or 0.0 for g in groups]
        stds = [g["y"]["std"] or 0.0 for g in groups]
        lines.append(
            Line(
                name,
                tuple(g["x"]["mean"] or 0.0 for g in groups),
                tuple(ys),
                tuple(y - s for y, s in zip(ys, stds, strict=True)),
                tuple(y + s for y, s in zip(ys, stds, strict=True)),
            )
        )
    svg = plots.points(
        "trade-off",
        lines,
        x=Axis("compute reduction, performed, %", 100),
        y=Axis(*_axis(scale)),
        level=level,
    )
    says = (
        f"{scale.title.capitalize()} against compute reduction; bars are one standard deviation "
        "over seeds" + (", the band is that of exact." if level else ".")
    )
    return Picture("trade-off", svg, says)


def family(group: Group) -> str:
    """Give the label of a group without its forward ratio."""
    ratio = group["ratio"]
    if ratio is None:
        return group["label"]
    others = "".join(f"(?<!{word})" for word in _OTHER_SHARES)
    return re.sub(f"{others} {re.escape(f'{100 * ratio:g}')} %", "", group["label"], count=1)


def _axis(scale: Scale) -> tuple[str, float]:
    return (f"{scale.title}, %", 100.0) if scale.is_share else (scale.title, 1.0)


def _curves(client: Client, comparison: Comparison, metric: str) -> list[Picture]:
    told = metric.replace("best_test", "validation")
    pictures = []
    for name in (told, "train_loss"):
        lines = []
        for group in comparison["groups"]:
            ids = [m["job"] for m in group["members"] if m["state"] == "succeeded"]
            found: list[Curve] = client.curves(ids, metrics=[name]) if ids else []
            line = mean_line(group["label"], found) if found else None
            if line is not None and len(line.x) > 1:
                lines.append(line)
        if not lines:
            continue
        scale = Scale.of(name)
        svg = plots.curves(name, lines, x=Axis("optimizer step"), y=Axis(*_axis(scale)))
        says = f"{scale.title.capitalize()}, mean over seeds; bands are one standard deviation."
        pictures.append(Picture(name, svg, says))
    return pictures


def _again(sweep: Sweep, jobs: Sequence[Job]) -> list[Block]:
    seeds = ", ".join(map(str, sorted({job["seed"] for job in jobs})))
    when = datetime.fromisoformat(sweep["created_at"]).astimezone(UTC)
    return [
        Paragraph(
            f"Seeds {seeds}. Submitted {when:%Y-%m-%d %H:%M} UTC as sweep {sweep['id']}. Save this "
            "as sweep.yaml (it lies beside this report), and run the command below it."
        ),
        Code(sweep_file(sweep), "yaml"),
        Code("colrow sweep sweep.yaml --watch", "sh"),
    ]


def sweep_file(sweep: Sweep) -> str:
    """Write a sweep as the file that makes it again."""
    content: dict[str, Any] = {"name": sweep["name"], "base": sweep["base"]}
    if sweep["axes"]:
        content["axes"] = sweep["axes"]
    if sweep["variants"]:
        content["variants"] = sweep["variants"]
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100)
