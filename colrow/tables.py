"""Tables for the terminal: the answer of the service in, a Rich table out."""

from collections.abc import Iterable, Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from colrow.answers import Comparison, Group, Job, JobItem, LayerState, PlanLayer, SweepPlan
from colrow.figures import NONE, count, last, number, points, share

_PRODUCTS = {"forward": "forward", "grad_input": "input gradient", "grad_weight": "weight gradient"}


def jobs_table(jobs: Iterable[JobItem]) -> Table:
    """List jobs, a line each."""
    table = _table(
        "id", "name", "state", "network", "data", "policy", ">seed", ">done", ">accuracy"
    )
    for job in jobs:
        progress = job["progress"]
        done = share(progress["step"] / progress["of"], 0) if progress["of"] else NONE
        best = last(job["summary"], "best_test_accuracy", "test_accuracy", "validation_accuracy")
        table.add_row(
            job["id"], job["name"], job["state"], job["model"], job["dataset"], job["policy"],
            str(job["seed"]), done, share(best, 2),
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
        ("trains", f"{job['model']} on {job['dataset']}, {job['policy']}, seed {job['seed']}"),
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
    """Show what each product of each layer keeps and costs in one step."""
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
                count(exact), count(planned), share(1 - planned / exact),
            )  # fmt: skip
    if any(layer["forward"] < 1 for layer in layers):
        table.caption = (
            "ratio, pairs, kept: of each product by itself. The gradient products work on the "
            "inputs that forward kept, so they cost that share less even where their own ratio "
            "is 100 %; their reduction counts both"
        )
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
    """Compare groups: accuracy, distance to exact, compute reduction, time."""
    groups = comparison["groups"]
    # The label names what differs; where that is policy and ratio, each has its own column.
    plain = len({(g["policy"], g["ratio"]) for g in groups}) == len(groups)
    table = _table(
        "", "policy", ">ratio", ">accuracy (n)", ">delta", ">reduction planned", ">performed",
        ">time / exact",
    )  # fmt: skip
    for group in sorted(groups, key=_order):
        delta = group["delta_y"]["mean"] if group["delta_y"] else None
        table.add_row(
            "*" if group["is_pareto"] else "", group["policy"] if plain else group["label"],
            share(group["ratio"], 0), _spread(group),
            "exact" if group["is_baseline"] else points(delta),
            share(group["planned_compute_reduction"]["mean"]), share(group["x"]["mean"]),
            NONE if group["seconds_ratio"] is None else f"{group['seconds_ratio']:.2f}",
        )  # fmt: skip
    table.caption = (
        "accuracy: on the test set where validation was best, mean ± standard deviation of n jobs\n"
        "*: no other group has both more reduction and more accuracy"
    )
    table.caption_justify = "left"
    return table


def policy_text(policy: dict[str, object]) -> str:
    """Name a policy with the choices that differ from its defaults."""
    return " ".join([str(policy["name"]), *(key for key, on in policy.items() if on is True)])


def _order(group: Group) -> tuple[bool, str, float]:
    return not group["is_baseline"], group["policy"], -(group["ratio"] or 0.0)


def _spread(group: Group) -> str:
    y = group["y"]
    if y["mean"] is None:
        return f"{NONE} ({y['n']})"
    std = "" if y["std"] is None else f" ± {100 * y['std']:.2f}"
    return f"{100 * y['mean']:.2f}{std} % ({y['n']})"


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
