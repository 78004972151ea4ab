"""Tables for the terminal: the answer of the service in, a Rich table out."""

from collections.abc import Iterable, Sequence
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from colrow.answers import Comparison, Group, Job, JobItem, LayerState, PlanLayer, SweepPlan
from colrow.figures import NONE, count, how_many_failed, judged, measured, number, share
from colrow.scales import Scale
from crs_core.events import QUALITY, Points
from crs_core.spec import STUDIED
from crs_core.statistics import Stat
from crs_core.study.plan import StudyPlan

_PRODUCTS = {"forward": "forward", "grad_input": "input gradient", "grad_weight": "weight gradient"}


def jobs_table(jobs: Iterable[JobItem]) -> Table:
    """List jobs, a line each."""
    jobs = list(jobs)
    told = {judged(job["summary"], "best_test", "test", "validation")[0] for job in jobs}
    title = ", ".join(quality for quality in QUALITY.values() if quality in told) or "accuracy"
    table = _table(
        "id", "name", "state", "network", "data", "policy", ">seed", ">done", f">{title}"
    )
    for job in jobs:
        progress = job["progress"]
        done = share(progress["step"] / progress["of"], 0) if progress["of"] else NONE
        quality, best = judged(job["summary"], "best_test", "test", "validation")
        table.add_row(
            job["id"], job["name"], job["state"], job["model"], job["dataset"], job["policy"],
            str(job["seed"]), done, measured(quality, best),
        )  # fmt: skip
    return table


def facts_table(job: Job) -> Table:
    """Show one job: what it is and how it fares."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    progress = job["progress"]
    of = progress["of"]
    rows = [
        ("id", job["id"]),
        ("name", job["name"] or NONE),
        ("state", job["state"] + (f", to {job['wish']}" if job["wish"] else "")),
        (
            "studies" if job["model"] in STUDIED else "trains",
            f"{job['model']} on {job['dataset']}, {job['policy']}, seed {job['seed']}",
        ),
        ("step", f"{progress['step']:,} of {of:,}" if of else f"{progress['step']:,}"),
        ("planned reduction", share(job["planned_compute_reduction"])),
        ("created", job["created_at"]),
        ("started", job["started_at"] or NONE),
        ("finished", job["finished_at"] or NONE),
    ]
    if job["queue_position"] is not None:
        rows.append(("place in the queue", str(job["queue_position"])))
    if job["sweep_id"]:
        rows.append(("sweep", job["sweep_id"]))
    if job["tags"]:
        rows.append(("tags", ", ".join(job["tags"])))
    if job["reason"]:
        rows.append(("reason", f"{job['reason']['kind']}: {job['reason']['message']}"))
    for attempt in job["attempts"]:
        text = f"{attempt['state']} on {attempt['worker'] or NONE}"
        if attempt["resumed_from"]:
            text += f", went on from {attempt['resumed_from']}"
        if attempt["reason"]:
            text += f", {attempt['reason']['kind']}: {attempt['reason']['message']}"
        rows.append((f"attempt {attempt['number']}", "; ".join([text, *attempt["notes"]])))
    for name, value in rows:
        table.add_row(name, Text(value))
    return table


def summary_table(job: Job) -> Table:
    """Show the metrics of one job."""
    table = _table("metric", ">last", ">best", ">at best validation")
    for metric, value in job["summary"].items():
        table.add_row(
            metric,
            number(value["last"]),
            number(value["best"]),
            number(value["at_best_validation"]),
        )
    return table


def layers_table(rows: Sequence[LayerState]) -> Table:
    """Show what every product kept, cost and missed."""
    table = _table(
        "layer", "product", "policy", ">ratio", ">pairs", ">kept", ">MACs saved", ">never kept",
        ">relative error",
    )  # fmt: skip
    for row in rows:
        saved = 1 - row["performed_macs"] / row["exact_macs"] if row["exact_macs"] else None
        table.add_row(
            row["layer"], _PRODUCTS[row["product"]], row["policy"], share(row["ratio"]),
            f"{row['pairs']:,}", f"{row['kept']:,.1f}", share(saved), share(row["never_kept"]),
            number(row["error"]),
        )  # fmt: skip
    return table


def plan_table(layers: Sequence[PlanLayer]) -> Table:
    """Show what each product of each layer keeps and costs in one step, and saves in all."""
    table = _table(
        "layer", "product", "policy", ">ratio", ">pairs", ">kept", ">MACs exact", ">MACs planned",
        ">reduction",
    )  # fmt: skip
    for layer in layers:
        for product in layer["products"]:
            exact, planned = product["exact_macs"], product["planned_macs"]
            table.add_row(
                layer["name"], _PRODUCTS[product["product"]], policy_text(layer["policy"]),
                share(product["ratio"]), f"{product['pairs']:,}", f"{product['kept']:,}",
                count(exact), count(planned), share(product["reduction"]),
            )  # fmt: skip
    if any(layer["forward"] < 1 for layer in layers):
        table.caption = (
            "ratio, pairs, kept: of each product by itself. The gradient products work on the "
            "inputs that forward kept, so they cost that share less even where their own ratio "
            "is 100 %; their reduction counts both"
        )
        table.caption_justify = "left"
    return table


def study_plan_table(plan: StudyPlan) -> Table:
    """Show how many pairs each size of a study keeps and what one product costs."""
    table = _table(">ratio", ">pairs", ">k", ">MACs exact", ">MACs planned", ">reduction")
    for size in plan.sizes:
        table.add_row(
            share(size.ratio), f"{plan.pairs:,}", f"{size.k:,}", count(plan.exact_macs),
            count(size.macs), share(1 - size.macs / plan.exact_macs),
        )  # fmt: skip
    return table


def study_table(told: Sequence[Points]) -> Table:
    """Show the errors of a study, a line per size."""
    table = _table(
        ">ratio", ">k", ">Frobenius error", ">± draws", ">root mean square", ">expected", ">bound",
        ">spectral", ">element", ">MACs", ">s / exact",
    )  # fmt: skip
    for point in told:
        get = point.values.get
        time = point.values["product_seconds"] / point.values["exact_product_seconds"]
        table.add_row(
            share(point.epoch), f"{point.step:,}", number(get("frobenius_error")),
            number(get("frobenius_error_std")), number(get("rms_error")),
            number(get("expected_error")), number(get("error_bound")),
            number(get("spectral_error")), number(get("element_error")),
            count(point.values["macs"]), f"{time:.2f}",
        )  # fmt: skip
    table.caption = "s / exact: time of one product on this machine over that of the exact one"
    table.caption_justify = "left"
    return table


def sweep_plan_table(plan: SweepPlan) -> Table:
    """Show what each job of a sweep would set."""
    table = _table(">job", "sets", ">planned reduction")
    for place, job in enumerate(plan["jobs"], start=1):
        sets = ", ".join(f"{path} = {_short(value)}" for path, value in job["settings"].items())
        table.add_row(
            str(place), sets or "the base as it is", share(job["planned_compute_reduction"])
        )
    return table


def comparison_table(comparison: Comparison) -> Table:
    """Compare groups: accuracy, how sure its distance to exact is, compute reduction, time."""
    groups, y = comparison["groups"], Scale.of(comparison["y"])
    # The label names what differs; where that is policy and ratio, each has its own column.
    plain = len({(g["policy"], g["ratio"]) for g in groups}) == len(groups)
    table = _table(
        "", "policy", ">ratio", f">{y.title} (n)", ">delta", ">95 % interval", "verdict",
        ">reduction planned", ">performed", ">time / exact",
    )  # fmt: skip
    for group in sorted(groups, key=_order):
        delta, evidence = group["delta_y"], group["evidence"]
        table.add_row(
            "*" if group["is_pareto"] else "", group["policy"] if plain else group["label"],
            share(group["ratio"], 0), y.spread(Stat(**group["y"])),
            "exact" if group["is_baseline"] else y.difference(delta and delta["mean"]),
            NONE if evidence is None else y.interval(evidence["low"], evidence["high"]),
            evidence["says"] if evidence else how_many_failed(group) or NONE,
            share(group["planned_compute_reduction"]["mean"]), share(group["x"]["mean"]),
            NONE if group["seconds_ratio"] is None else f"{group['seconds_ratio']:.2f}",
        )  # fmt: skip
    table.caption = (
        f"{y.title}: {y.says}, mean ± standard deviation of n jobs\n"
        "*: no other group has both more reduction and a better one\n" + verdict_text(comparison)
    )
    table.caption_justify = "left"
    return table


def verdict_text(comparison: Comparison) -> str:
    """Say what the verdicts mean."""
    margin = comparison["margin"]
    unit = "% of exact" if margin["is_relative"] else "points"
    text = (
        f"verdict: within, when at most {margin['value']:g} {unit} are lost by the whole 95 % "
        "interval of the difference to exact"
    )
    groups = [g["evidence"] for g in comparison["groups"] if g["evidence"]]
    if any(not evidence["paired"] for evidence in groups):
        return text + "; some groups share no seed with exact: their interval is not paired"
    return text + ", taken seed by seed"


def policy_text(policy: dict[str, Any]) -> str:
    """Name a policy with the choices that differ from its defaults."""
    words = [key for key, on in policy.items() if on is True]
    if explored := policy.get("exploration"):
        words.append(f"exploration {share(explored, 0)}")
    if covered := policy.get("coverage"):
        words.append(f"coverage {share(covered, 0)}")
    if (every := policy.get("refresh_every", 1)) != 1:
        words.append(f"refreshed every {every}")
    return " ".join([str(policy["name"]), *words])


def _order(group: Group) -> tuple[bool, str, float]:
    return not group["is_baseline"], group["policy"], -(group["ratio"] or 0.0)


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 60 else text[:57] + "…"


def _table(*columns: str) -> Table:
    """Make an empty table; `>` in front of a title sets its column to the right."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in columns:
        table.add_column(
            title.removeprefix(">"),
            justify="right" if title.startswith(">") else "left",
            no_wrap=title == "id",
            overflow="fold",
        )
    return table
