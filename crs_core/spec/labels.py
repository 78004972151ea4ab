"""How rules are named for people, in lists, comparisons and reports: all that tells them apart.

What is left at its default is not named, but for the forward ratio. The rules come as stored: the
JSON of a spec, with every default filled in.
"""

from collections.abc import Mapping, Sequence
from typing import Any


def rules_label(rules: Sequence[Mapping[str, Any]]) -> str:
    """Name the rules of a training; `exact` where there are none."""
    return " + ".join(map(rule_label, rules)) or "exact"


def rule_label(rule: Mapping[str, Any]) -> str:
    """Name one rule: its policy with what is switched on, its ratios, and where it holds."""
    words = policy_words(rule["policy"])
    name, is_backward_only = rule["policy"]["name"], rule.get("mode") == "backward_only"
    if not is_backward_only and name != "exact":
        words.append(f"{100 * rule['forward']:g} %")
    if is_backward_only and name != "meprop":  # meprop has no other mode
        words.append(f"· backward only {100 * rule['backward']:g} %")
    elif rule["backward"] != 1:
        words.append(f"· backward {100 * rule['backward']:g} %")
    if rule.get("schedule"):
        words.append(f"· {schedule_label(rule['schedule'])}")
    if rule["layers"] != "*":
        words.append(f"on {rule['layers']}")
    if rule.get("gates"):
        words.append(gates_label(rule["gates"]))
    return " ".join(words)


def policy_words(policy: Mapping[str, Any]) -> list[str]:
    """Give the name of a policy and its choices that differ from the defaults."""
    words = [str(policy["name"])]
    words += [word for word in ("replacement", "scaled") if policy.get(word)]
    if policy.get("exploration"):
        words.append(f"exploration {100 * policy['exploration']:g} %")
    if policy.get("coverage"):
        words.append(f"coverage {100 * policy['coverage']:g} %")
    if policy.get("refresh_every", 1) != 1:
        words.append(f"refreshed every {policy['refresh_every']}")
    return words


def gates_label(gates: Sequence[str]) -> str:
    """Name the gates whose product is sampled, in one order whichever way they were written."""
    return f"{'gate' if len(gates) == 1 else 'gates'} {', '.join(sorted(gates))}"


def schedule_label(schedule: Mapping[str, Any]) -> str:
    """Name how ratios come about."""
    words = []
    if schedule["shape"] != "constant":
        said = f"{schedule['shape']} from {100 * schedule['start']:g} %"
        if schedule.get("end_step") is not None:
            said += f" to step {schedule['end_step']}"
        if schedule.get("milestones"):
            said += f" at steps {', '.join(map(str, schedule['milestones']))}"
        words.append(said)
    if schedule["exact_first_steps"]:
        words.append(f"exact for {schedule['exact_first_steps']} steps")
    if schedule["exact_last"]:
        words.append(f"exact for the last {100 * schedule['exact_last']:g} %")
    return ", ".join(words) or "constant"
