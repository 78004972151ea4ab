"""Tables for the terminal: the answer of the service in, a Rich table out.

Past 300 lines, since it is one idea: a function for each table, so that they look alike.
"""

from collections.abc import Iterable, Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from colrow import timing
from colrow.answers import (
    Checkpoint,
    Comparison,
    Group,
    Job,
    JobItem,
    LayerState,
    PlanLayer,
    QueuedJob,
    Reason,
    SweepPlan,
    Webhook,
)
from colrow.figures import (
    NONE,
    count,
    how_many_failed,
    judged,
    measured,
    moment,
    number,
    share,
    told_by,
)
from colrow.scales import Scale
from crs_core.data.facts import FACTS
from crs_core.events import QUALITY
from crs_core.spec import STUDIED, gates_label, policy_words, rules_label
from crs_core.statistics import Stat

_PRODUCTS = {"forward": "forward", "grad_input": "input gradient", "grad_weight": "weight gradient"}
_OF_EACH = (
    "ratio, pairs, kept: of each product by itself. The gradient products work on the inputs that "
    "forward kept, so they cost that share less even where their own ratio is 100 %"
)


_JUDGES = ("best_test", "test", "validation")
"""Of these parts of the data the first that told something is what a job is judged by."""


def jobs_table(jobs: Iterable[JobItem]) -> Table:
    """List jobs, a line each."""
    jobs = list(jobs)
    told = {_quality(job) for job in jobs}
    title = ", ".join(quality for quality in QUALITY.values() if quality in told) or "accuracy"
    if jobs and all(told_by(job["summary"], *_JUDGES)[0] == _JUDGES[0] for job in jobs):
        title = f"best test {title}"
    has_priorities = any(job["priority"] for job in jobs)
    table = table_of(
        "id", "name", "owner", *([">priority"] if has_priorities else []), "state", "network",
        "data", "policy", ">seed", ">done", f">{title}",
    )  # fmt: skip
    for job in jobs:
        progress = job["progress"]
        done = share(progress["step"] / progress["of"], 0) if progress["of"] else NONE
        quality, best = judged(job["summary"], *_JUDGES)
        priority = [str(job["priority"])] if has_priorities else []
        table.add_row(
            job["id"], job["name"], job["owner"], *priority, job["state"], job["model"],
            job["dataset"], _policy(job), str(job["seed"]), done, measured(quality, best),
        )  # fmt: skip
    return table


def _quality(job: JobItem) -> str:
    """Name what a job is judged by: what it told, or before that what its data set is for."""
    quality, value = judged(job["summary"], *_JUDGES)
    if value is None and job["dataset"] in FACTS:
        return QUALITY[FACTS[job["dataset"]].task]
    return quality


def _policy(job: JobItem) -> str:
    """Name the rules of a training whole, where its spec came along."""
    rules = (job["spec"] or {}).get("approximation")
    return job["policy"] if rules is None else rules_label(rules)


def webhooks_table(webhooks: Iterable[Webhook]) -> Table:
    """List webhooks, a line for each message; one that has sent none has a line too."""
    table = table_of("webhook", "address", "event", "state", ">tries", "last answer")
    for webhook in webhooks:
        for delivery in webhook["deliveries"] or (None,):
            told = ("", NONE, "", "")
            if delivery is not None:
                answer = delivery["last_error"] or delivery["last_status"] or ""
                told = (delivery["event"], delivery["state"], str(delivery["tries"]), str(answer))
            table.add_row(webhook["id"], webhook["url"], *told)
    return table


def queue_table(queue: Iterable[QueuedJob]) -> Table:
    """List what waits, in the order it would start, and for what."""
    table = table_of(">place", "id", "name", "owner", ">priority", "waits for", "starts")
    for each in queue:
        starts = _starts(each["starts_at"])
        table.add_row(
            str(each["position"]), each["job"], each["name"], each["owner"],
            str(each["priority"]), each["waits_for"] or "its turn", starts,
        )  # fmt: skip
    return table


def _starts(at: str | None) -> str:
    return "not known" if at is None else f"about {moment(at)}"


def facts_table(job: Job, queued: QueuedJob | None = None) -> Table:
    """Show one job: what it is and how it fares; with its entry in the queue, why it waits."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    progress = job["progress"]
    of = progress["of"]
    rows = [
        ("id", job["id"]),
        ("name", job["name"] or NONE),
        ("owner", job["owner"]),
        ("state", job["state"] + (f", to {job['wish']}" if job["wish"] else "")),
        (
            "studies" if job["model"] in STUDIED else "trains",
            f"{job['model']} on {job['dataset']}, {_policy(job)}, seed {job['seed']}",
        ),
        ("step", f"{progress['step']:,} of {of:,}" if of else f"{progress['step']:,}"),
        ("planned reduction", share(job["planned_compute_reduction"])),
        ("created", job["created_at"]),
        ("started", job["started_at"] or NONE),
        ("finished", job["finished_at"] or NONE),
    ]
    if job["priority"]:
        rows.append(("priority", str(job["priority"])))
    if job["queue_position"] is not None:
        rows.append(("place in the queue", str(job["queue_position"])))
    if queued is not None:
        rows.append(("waits for", queued["waits_for"] or "its turn"))
        rows.append(("starts", _starts(queued["starts_at"])))
    if job["sweep_id"]:
        rows.append(("sweep", job["sweep_id"]))
    if job["tags"]:
        rows.append(("tags", ", ".join(job["tags"])))
    if job["reason"]:
        rows.append(("reason", _reason(job["reason"])))
    for attempt in job["attempts"]:
        text = f"{attempt['state']} on {attempt['worker'] or NONE}"
        text += "".join(f", {words}" for words in timing.told(attempt))
        if attempt["resumed_from"]:
            text += f", went on from {attempt['resumed_from']}"
        if attempt["reason"]:
            text += f", {_reason(attempt['reason'])}"
        rows.append((f"attempt {attempt['number']}", "; ".join([text, *attempt["notes"]])))
    if job["attempts"]:
        found = timing.surroundings(job["attempts"][-1])
        rows.append(("ran with", "; ".join(f"{name} {value}" for name, value in found.items())))
    for name, value in rows:
        table.add_row(name, Text(value))
    return table


def _reason(reason: Reason) -> str:
    """Tell a reason; its kind only where the message does not begin with it."""
    kind, message = reason["kind"], reason["message"]
    return message if message.startswith(kind) else f"{kind}: {message}"


def summary_table(job: Job) -> Table:
    """Show the metrics of one job."""
    table = table_of("metric", ">last", ">best", ">at best validation")
    for metric, value in job["summary"].items():
        table.add_row(
            metric,
            number(value["last"]),
            number(value["best"]),
            number(value["at_best_validation"]),
        )
    return table


def checkpoints_table(found: Sequence[Checkpoint]) -> Table:
    """List the checkpoints of one job."""
    table = table_of(">id", ">step", ">attempt", "best", ">MB", "created", "SHA-256")
    for each in found:
        table.add_row(
            str(each["id"]),
            f"{each['step']:,}",
            str(each["attempt"]),
            "best" if each["best"] else "",
            f"{each['size_bytes'] / 1e6:,.2f}",
            each["created_at"],
            each["sha256"],
        )
    return table


def layers_table(rows: Sequence[LayerState]) -> Table:
    """Show what every product kept, cost and missed."""
    table = table_of(
        "layer", "product", "policy", ">ratio", ">pairs", ">kept", ">MACs saved", ">never kept",
        ">relative error",
    )  # fmt: skip
    sampled = {row["layer"]: row["policy"] for row in rows if row["policy"] != "exact"}
    for row in rows:
        saved = 1 - row["performed_macs"] / row["exact_macs"] if row["exact_macs"] else None
        policy = sampled.get(row["layer"], "exact")
        table.add_row(
            row["layer"], _PRODUCTS[row["product"]], policy, share(row["ratio"]),
            f"{row['pairs']:,}", f"{row['kept']:,.1f}", share(saved), share(row["never_kept"]),
            number(row["error"]),
        )  # fmt: skip
    if any(row["product"] == "forward" and row["ratio"] < 1 for row in rows):
        _footnote(table, f"{_OF_EACH}; the MACs saved count both")
    return table


def plan_table(layers: Sequence[PlanLayer]) -> Table:
    """Show what each product of each layer keeps and costs in one step, and saves in all."""
    table = table_of(
        "layer", "product", "policy", ">ratio", ">pairs", ">kept", ">MACs exact", ">MACs planned",
        ">reduction",
    )  # fmt: skip
    for layer in layers:
        for product in layer["products"]:
            exact, planned = product["exact_macs"], product["planned_macs"]
            table.add_row(
                layer["name"], _PRODUCTS[product["product"]], rule_text(layer),
                share(product["ratio"]), f"{product['pairs']:,}", f"{product['kept']:,}",
                count(exact), count(planned), share(product["reduction"]),
            )  # fmt: skip
    if any(layer["forward"] < 1 for layer in layers):
        _footnote(table, f"{_OF_EACH}; their reduction counts both")
    return table


def sweep_plan_table(plan: SweepPlan) -> Table:
    """Show what each job of a sweep would set."""
    table = table_of(">job", "sets", ">planned reduction")
    for place, job in enumerate(plan["jobs"], start=1):
        sets = job["name"] or "the base as it is"
        table.add_row(str(place), sets, share(job["planned_compute_reduction"]))
    return table


def comparison_table(comparison: Comparison) -> Table:
    """Compare groups: accuracy, how sure its distance to exact is, compute reduction, time."""
    groups, y = comparison["groups"], Scale.of(comparison["y"])
    # The label names what differs; where that is policy and ratio alone, each has its own column.
    plain = all(g["label"] == _plain_label(g) for g in groups)
    table = table_of(
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
            timing.ratio(group),
        )  # fmt: skip
    table.caption = (
        f"{y.title}: {y.says}, mean ± standard deviation of n jobs\n"
        "*: no other group has both more reduction and a better one\n" + verdict_text(comparison)
    )
    if note := timing.footnote(groups):
        table.caption += f"\n{note}"
    table.caption_justify = "left"
    return table


def verdict_text(comparison: Comparison) -> str:
    """Say what the verdicts mean, a line each."""
    margin = comparison["margin"]
    least = f"{margin['value']:g} {'% of exact' if margin['is_relative'] else 'points'}"
    groups = [g["evidence"] for g in comparison["groups"] if g["evidence"]]
    how = "taken seed by seed"
    if any(not evidence["paired"] for evidence in groups):
        how = "not paired for groups that share no seed with exact"
    return (
        f"95 % interval: of the difference to exact, {how}\n"
        f"within: at most {least} are lost by the whole interval\n"
        f"worse: more than {least} are lost by the whole interval\n"
        "undecided: the interval holds both; N more seeds needed: so many would decide at today's "
        "mean and spread"
    )


def rule_text(layer: PlanLayer) -> str:
    """Name the policy of a layer with its choices, and the gates that it is for."""
    words = policy_words(layer["policy"])
    return " ".join([*words, gates_label(layer["gates"])] if layer["gates"] else words)


def _order(group: Group) -> tuple[bool, str, float]:
    return not group["is_baseline"], group["policy"], -(group["ratio"] or 0.0)


def _plain_label(group: Group) -> str:
    ratio = group["ratio"]
    return (
        group["policy"] if ratio is None or ratio == 1 else f"{group['policy']} {100 * ratio:g} %"
    )


def _footnote(table: Table, text: str) -> None:
    table.caption, table.caption_justify = text, "left"


def table_of(*columns: str) -> Table:
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
