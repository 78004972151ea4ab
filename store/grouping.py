"""What sets specs apart: paths, settings and the names of groups. Pure."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from store.grid import position, short, show_named, show_value


def settings_of(
    specs: Mapping[str, dict[str, Any]], group_by: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """Give for each group the paths in which the groups differ, with its values."""
    if group_by:
        return {key: {path: at(spec, path) for path in group_by} for key, spec in specs.items()}
    flat = {key: _flatten(spec) for key, spec in specs.items()}
    paths = dict.fromkeys(path for one in flat.values() for path in one if path != "seed")
    differ = [
        path for path in paths if len({canonical(one.get(path)) for one in flat.values()}) > 1
    ]
    return {key: {p: one[p] for p in differ if p in one} for key, one in flat.items()}


def label_of(spec: Mapping[str, Any], settings: Mapping[str, Any], *, chosen: bool) -> str:
    """Name a group: how it approximates, then whatever else sets it apart.

    `chosen`: the settings are paths that someone asked for, and they alone make the name.
    """
    if chosen:
        return ", ".join(f"{short(path)}={show_value(v)}" for path, v in settings.items())
    how = (
        show_named(spec["method"])
        if "method" in spec
        else " + ".join(map(_show_rule, spec["approximation"])) or "exact"
    )
    others = [
        f"{short(path)}={show_value(value)}"
        for path, value in settings.items()
        if not path.startswith(("approximation", "method"))
    ]
    return ", ".join([how, *others])


def _show_rule(rule: Mapping[str, Any]) -> str:
    policy = rule["policy"]
    words = [policy["name"]]
    words += [word for word in ("replacement", "scaled") if policy[word]]
    if policy.get("exploration"):
        words.append(f"exploration {100 * policy['exploration']:g} %")
    if policy.get("coverage"):
        words.append(f"coverage {100 * policy['coverage']:g} %")
    if policy.get("refresh_every", 1) != 1:
        words.append(f"refreshed every {policy['refresh_every']}")
    is_backward_only = rule.get("mode") == "backward_only"
    if policy["name"] != "exact" and not is_backward_only:
        words.append(f"{100 * rule['forward']:g} %")
    # `meprop` has no other mode, so that it goes without saying.
    if is_backward_only and policy["name"] != "meprop":
        words.append(f"· backward only {100 * rule['backward']:g} %")
    elif rule["backward"] != 1:
        words.append(f"· backward {100 * rule['backward']:g} %")
    if rule.get("schedule"):
        words.append(f"· {_show_schedule(rule['schedule'])}")
    if rule.get("gates"):
        words.append(f"· {'gates' if rule['gates'][1:] else 'gate'} {', '.join(rule['gates'])}")
    if rule["layers"] != "*":
        words.append(f"on {rule['layers']}")
    return " ".join(words)


def _show_schedule(schedule: Mapping[str, Any]) -> str:
    words = []
    if schedule["shape"] != "constant":
        words.append(f"{schedule['shape']} from {100 * schedule['start']:g} %")
    if schedule["exact_first_steps"]:
        words.append(f"exact for {schedule['exact_first_steps']} steps")
    if schedule["exact_last"]:
        words.append(f"exact for the last {100 * schedule['exact_last']:g} %")
    return ", ".join(words) or "constant"


def _flatten(value: Any, path: str = "") -> dict[str, Any]:
    if isinstance(value, dict):
        items = [(str(key), inside) for key, inside in value.items()]
    elif isinstance(value, list) and any(isinstance(inside, dict) for inside in value):
        items = [(str(i), inside) for i, inside in enumerate(value)]
    else:
        return {path: value}
    return {
        p: v
        for key, inside in items
        for p, v in _flatten(inside, f"{path}.{key}" if path else key).items()
    }


def at(spec: Any, path: str) -> Any:
    """Give what stands at a dotted path, None where nothing does."""
    for word in path.split("."):
        place = position(word)
        if isinstance(spec, dict):
            spec = spec.get(word)
        elif isinstance(spec, list) and place is not None and place < len(spec):
            spec = spec[place]
        else:
            return None
    return spec


def twin_of(spec: Mapping[str, Any]) -> str:
    """Give what an exact job and its approximate twin agree in, whatever their kind."""
    parts = ("model", "dataset", "training", "operation", "distribution", "distribution_b")
    return canonical([spec.get(part) for part in (*parts, "ratios")])


def canonical(value: Any) -> str:
    """Write data such that equal data is equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
