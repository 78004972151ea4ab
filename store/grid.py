"""Expand a base spec along axes and variants. Pure: no database."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

from crs_core.errors import FieldError, SpecError
from crs_core.spec import JobSpec, Policy, Rule, StudySpec, parse_any

MAX_JOBS = 10_000
MAX_DIGITS = 6


@dataclass(frozen=True)
class Member:
    """One point of the grid: its spec, what it sets apart from the base, a name made of that."""

    spec: JobSpec | StudySpec
    settings: dict[str, Any]
    label: str
    at: str
    """The combination as errors name it: its variant, if there are variants, and its label."""


def expand(
    base: Mapping[str, Any],
    axes: Mapping[str, Sequence[Any]],
    variants: Sequence[Mapping[str, Any]] = (),
) -> list[Member]:
    """Cross every variant with every combination of the axes; the last axis varies fastest.

    A path is dotted, list positions are numbers: `approximation.0.forward`, `seed`. Specs that
    come out equal are made once. Raises crs_core.errors.SpecError, which names the combination.
    """
    for path, values in axes.items():
        if not values:
            raise SpecError.at(f"axes.{path}", "an axis needs at least one value")
    count = max(1, len(variants)) * prod(len(values) for values in axes.values())
    if count > MAX_JOBS:
        raise SpecError.at(
            "axes", f"this makes {count} jobs; a sweep may have at most {MAX_JOBS}: shorten an axis"
        )
    resolved = _resolved(base)
    members: dict[str, Member] = {}
    for number, variant in enumerate(variants or ({},)):
        for values in product(*axes.values()):
            settings = {**variant, **dict(zip(axes, values, strict=True))}
            name = label(settings)
            where = ": ".join(filter(None, (f"variants.{number}" if variants else "", name)))
            with told_at(where):
                spec = _build(base, settings, resolved)
            members.setdefault(spec.model_dump_json(), Member(spec, settings, name, where))
    return list(members.values())


def changed(spec: Mapping[str, Any], settings: Mapping[str, Any]) -> JobSpec | StudySpec:
    """Set what stands at dotted paths of a spec. Raises SpecError."""
    return _build(spec, settings, _resolved(spec))


@contextmanager
def told_at(where: str) -> Iterator[None]:
    """Let what a combination is refused with say which one it is; `where` is its `at`."""
    try:
        yield
    except SpecError as error:
        if not where:
            raise
        raise SpecError(
            [FieldError(e.loc, f"{e.msg} (at {where})") for e in error.errors]
        ) from None


def label(settings: Mapping[str, Any]) -> str:
    """Name a combination by the last words of its paths: `forward=0.4, seed=1`.

    Paths of the same last word are written out.
    """
    words = Counter(map(short, settings))
    return ", ".join(
        f"{short(path) if words[short(path)] == 1 else path}={show_value(value)}"
        for path, value in settings.items()
    )


def short(path: str) -> str:
    """Give the word of a path that tells most: `approximation.0.policy.name` is `policy`."""
    words = [word for word in path.split(".") if position(word) is None] or [path]
    return words[-2] if words[-1] == "name" and len(words) > 1 else words[-1]


def position(word: str) -> int | None:
    """Read a word of a path as a place in a list; None where it is none.

    `str.isdigit` is true of ², which `int` refuses, and `int` refuses thousands of digits.
    """
    return int(word) if word.isascii() and word.isdigit() and len(word) <= MAX_DIGITS else None


def show_value(value: Any) -> str:
    """Write a setting's value for a person to read."""
    if isinstance(value, list) and all(isinstance(rule, Mapping) for rule in value):
        return " + ".join(map(_show_rule, value)) or "exact"
    if isinstance(value, Mapping) and isinstance(value.get("name"), str):
        return show_named(value)
    return value if isinstance(value, str) else json.dumps(value)


def show_named(value: Mapping[str, Any]) -> str:
    """Write a method or a distribution: its name, what is set of it, and what is switched on."""
    words = [value["name"]]
    for key, inside in value.items():
        if key in Policy.model_fields and inside == Policy.model_fields[key].default:
            continue
        if inside is True:
            words.append(key)
        elif key != "name" and inside is not False and inside is not None:
            words.append(f"{key}={inside:g}" if _is_number(inside) else f"{key}={inside}")
    return " ".join(words)


def _show_rule(rule: Mapping[str, Any]) -> str:
    """Write a rule as given: its policy, its forward ratio, its layers, and all else by name."""
    policy = rule.get("policy", "")
    is_whole = isinstance(policy, Mapping) and isinstance(policy.get("name"), str)
    words = [show_named(policy) if is_whole else str(policy)]
    forward = rule.get("forward")
    if _is_number(forward):
        words.append(f"{forward:g}")
    if rule.get("layers", "*") != "*":
        words.append(str(rule["layers"]))
    for key, value in rule.items():
        if key in ("policy", "forward", "layers") or value is None or _is_default(key, value):
            continue
        words.append(f"{key}={_plain(value)}")
    return " ".join(words)


def _is_default(key: str, value: Any) -> bool:
    return key in Rule.model_fields and value == Rule.model_fields[key].default


def _plain(value: Any) -> str:
    """Write a value within a rule without quotes: `{shape: linear, start: 1.0}`."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_plain(inside)}" for key, inside in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "+".join(map(_plain, value))
    return f"{value:g}" if _is_number(value) and abs(value) < 1e6 else str(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _resolved(base: Mapping[str, Any]) -> dict[str, Any]:
    """Fill in defaults, for paths into what the base leaves out; nothing while it is incomplete."""
    try:
        return parse_any(base).model_dump(mode="json")
    except SpecError:
        return {}


def _build(
    base: Mapping[str, Any], settings: Mapping[str, Any], resolved: dict[str, Any]
) -> JobSpec | StudySpec:
    data = deepcopy(dict(base))
    for path, value in settings.items():
        _set(data, path, value, resolved)
    return parse_any(data)


def _set(data: Any, path: str, value: Any, resolved: Any) -> None:
    *parents, last = path.split(".")
    place = data
    for word in parents:
        inside = _child(place, word, path)
        resolved = resolved.get(word) if isinstance(resolved, dict) else _item(resolved, word)
        if not isinstance(inside, (dict, list)):
            # Left out, or in its short form (a policy as a mere name): the full form is meant.
            inside = deepcopy(resolved) if isinstance(resolved, (dict, list)) else {}
            place[_key(place, word)] = inside
        place = inside
    _child(place, last, path)
    place[_key(place, last)] = deepcopy(value)


def _child(place: Any, word: str, path: str) -> Any:
    if isinstance(place, dict):
        return place.get(word)
    at = position(word)
    if at is None:
        shown = word if len(word) <= 40 else f"{word[:40]}…"
        raise SpecError.at(
            path, f"{shown!r} stands for a position in a list; give a number as 0 or 12"
        )
    if at >= len(place):
        raise SpecError.at(
            path, f"there is no position {word}: the list has {len(place)} entries in the base"
        )
    return place[at]


def _key(place: Any, word: str) -> Any:
    return int(word) if isinstance(place, list) else word


def _item(place: Any, word: str) -> Any:
    at = position(word)
    return place[at] if isinstance(place, list) and at is not None and at < len(place) else None
