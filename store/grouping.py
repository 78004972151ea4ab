"""What sets specs apart: paths, settings and the names of groups. Pure."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from crs_core.spec import flatten, rules_label
from store.grid import label, position, show_named, show_value


def settings_of(
    specs: Mapping[str, dict[str, Any]], group_by: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """Give for each group the paths in which the groups differ, with its values."""
    if group_by:
        return {key: {path: at(spec, path) for path in group_by} for key, spec in specs.items()}
    flat = {key: flatten(work_of(spec)) for key, spec in specs.items()}
    paths = dict.fromkeys(path for one in flat.values() for path in one)
    differ = [
        path for path in paths if len({canonical(one.get(path)) for one in flat.values()}) > 1
    ]
    return {key: {p: one[p] for p in differ if p in one} for key, one in flat.items()}


def labels_of(
    specs: Mapping[str, dict[str, Any]],
    settings: Mapping[str, dict[str, Any]],
    *,
    chosen: bool,
) -> dict[str, str]:
    """Name every group; what two of the same name differ in is added to it, by its whole path."""
    labels = {key: label_of(spec, settings[key], chosen=chosen) for key, spec in specs.items()}
    alike: dict[str, list[str]] = {}
    for key, name in labels.items():
        alike.setdefault(name, []).append(key)
    for keys in alike.values():
        common = [path for path in settings[keys[0]] if all(path in settings[key] for key in keys)]
        differ = [p for p in common if len({canonical(settings[key][p]) for key in keys}) > 1]
        for key in keys:
            told = [f"{path}={show_value(settings[key][path])}" for path in differ]
            labels[key] = ", ".join([labels[key], *told])
    return labels


def label_of(spec: Mapping[str, Any], settings: Mapping[str, Any], *, chosen: bool) -> str:
    """Name a group: how it approximates, then whatever else sets it apart.

    `chosen`: the settings are paths that someone asked for, and they alone make the name.
    """
    if chosen:
        return label(settings)
    how = show_named(spec["method"]) if "method" in spec else rules_label(spec["approximation"])
    others = {
        path: value
        for path, value in settings.items()
        if not path.startswith(("approximation", "method"))
    }
    return ", ".join([how, label(others)] if others else [how])


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


def work_of(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Give what results and times hang on, chance apart: all of a spec but its seed and limits.

    What a job may use of time and memory, and whether it gives way, changes neither.
    """
    resources = spec.get("resources", {})
    on = {name: resources.get(name) for name in ("kind", "devices", "device_name", "threads")}
    return {part: value for part, value in spec.items() if part != "seed"} | {"resources": on}


def canonical(value: Any) -> str:
    """Write data such that equal data is equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
