"""Spec files and sweep files, YAML or JSON, read as plain mappings.

JSON is read as YAML, whose subset it is, so both give the same line and column. Numbers are
those of YAML 1.2: `1e-3` is a number, where YAML 1.1 sees a text.
"""

import math
import re
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from colrow.errors import ColrowError, SpecFault, SpecFileError

MAX_BYTES = 1 << 20
MAX_VALUES = 100_000


@dataclass(frozen=True)
class SweepFile:
    """A base spec and what to vary, as `POST /sweeps` takes them."""

    base: Mapping[str, Any]
    axes: Mapping[str, list[Any]]
    variants: list[Mapping[str, Any]]
    name: str


class _Loader(yaml.SafeLoader):
    """Safe YAML with the floats of YAML 1.2, that refuses a key given twice."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - the class attribute of the base, copied
        first: [(tag, rule) for tag, rule in rules if not tag.endswith((":float", ":timestamp"))]
        for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag == "tag:yaml.org,2002:merge":
                continue
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value!r} is given twice", key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(
        r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?$"
        r"|[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+$|[-+]?\.(?:inf|Inf|INF)$|\.(?:nan|NaN|NAN)$|NaN$|-?Infinity$"
    ),
    list("-+0123456789.NI"),
)


def _float(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> float:
    text = str(loader.construct_scalar(node))
    if text.endswith(("NaN", "Infinity")) and not text.startswith("."):
        return float(text)
    return loader.construct_yaml_float(node)


_Loader.add_constructor("tag:yaml.org,2002:float", _float)


def read_settings(words: Iterable[str]) -> dict[str, Any]:
    """Read `path=value` words, the values as YAML. Raises ColrowError."""
    found = {}
    for word in words:
        path, equals, text = word.partition("=")
        if not equals or not path:
            raise ColrowError(f"{word!r} is not PATH=VALUE, as in seed=2 or training.epochs=40")
        try:
            found[path] = yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader
        except yaml.YAMLError:
            raise ColrowError(f"the value of {word!r} is neither YAML nor JSON") from None
    return found


def read_spec(path: Path) -> dict[str, Any]:
    """Read the mapping of a spec file; its fields are not checked here. Raises SpecFileError."""
    content = _mapping(path, "a spec with model, dataset and training")
    if "base" in content and "model" not in content:
        raise SpecFileError(f"{path} is a sweep file (it has `base`); use `colrow sweep {path}`")
    return content


def read_sweep(path: Path) -> SweepFile:
    """Read a sweep file: `base`, and any of `axes`, `variants`, `name`. Raises SpecFileError."""
    content = _mapping(path, "a sweep with base, axes and variants")
    if "base" not in content:
        hint = (
            f"; it is a spec: use `colrow submit {path}`"
            if content.keys() & {"model", "kind"}
            else ""
        )
        raise SpecFileError(f"{path} has no `base`, the spec that its axes vary{hint}")
    unknown = sorted(map(str, content.keys() - {"base", "axes", "variants", "name"}))
    if unknown:
        raise SpecFileError(
            f"{path} has {', '.join(map(repr, unknown))}; "
            "a sweep file has base, axes, variants, name"
        )
    base, axes = content["base"], content.get("axes") or {}
    variants, name = content.get("variants") or [], content.get("name") or ""
    if not isinstance(base, dict):
        raise SpecFileError(f"`base` in {path} is {_kind(base)}; it must be a spec, a mapping")
    if not isinstance(axes, dict) or not all(isinstance(v, list) and v for v in axes.values()):
        raise SpecFileError(
            f"`axes` in {path} must map each spec path to a list of values, as in `seed: [0, 1, 2]`"
        )
    if not isinstance(variants, list) or not all(isinstance(v, dict) for v in variants):
        raise SpecFileError(
            f"`variants` in {path} must be a list of mappings from spec paths to values"
        )
    if not isinstance(name, str):
        raise SpecFileError(f"`name` in {path} is {_kind(name)}; it must be a text")
    return SweepFile(base, axes, variants, name)


def refuse_non_finite(value: Any) -> None:
    """Raise SpecFault where there is a number that JSON cannot carry (nan, inf).

    The service never sees the body then, so what else is wrong with a spec in it is told here.
    """
    # The body of a request has the spec inside; the reader wrote no such key.
    found = {path.removeprefix("spec."): told for path, told in _non_finite(value, "")}
    if found:
        spec = value.get("spec") if isinstance(value, Mapping) else None
        others = _faults(spec) if isinstance(spec, Mapping) else {}
        raise SpecFault(list((others | found).items()))


def _non_finite(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, float) and not math.isfinite(value):
        yield path, f"this must be a finite number; got {value}"
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _non_finite(item, f"{path}.{key}".lstrip("."))
    elif isinstance(value, (list, tuple)):
        for place, item in enumerate(value):
            yield from _non_finite(item, f"{path}.{place}".lstrip("."))


def _faults(spec: Mapping[str, Any]) -> dict[str, str]:
    from crs_core.errors import SpecError
    from crs_core.spec import parse_any

    try:
        parse_any(spec)
    except SpecError as error:
        return {e.loc: e.msg for e in error.errors}
    return {}


def _mapping(path: Path, wanted: str) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise SpecFileError(f"{path} cannot be read: {error.strerror or error}") from None
    if len(data) > MAX_BYTES:
        raise SpecFileError(f"{path} is larger than 1 MiB; a spec file is a page of text")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise SpecFileError(
            f"{path} is not a text in UTF-8 (byte {error.start} is {data[error.start]:#04x})"
        ) from None
    try:
        content = yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise SpecFileError(f"{path}{place}: this is not YAML: {error.problem}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        reason = (
            "nested too deeply"
            if isinstance(error, RecursionError)
            else " ".join(str(error).split())
        )
        raise SpecFileError(f"{path}: this is not YAML: {reason}") from None
    if not isinstance(content, dict):
        found = "empty" if content is None else _kind(content)
        raise SpecFileError(f"{path} is {found}; it must be a mapping: {wanted}")
    _refuse_endless(content, path)
    return content


def _refuse_endless(content: Any, path: Path) -> None:
    """Refuse aliases that make a small text large, or contain themselves."""
    waiting, count = [content], 0
    while waiting:
        value = waiting.pop()
        count += 1
        if count > MAX_VALUES:
            raise SpecFileError(
                f"{path} holds more than {MAX_VALUES} values; a spec has a few dozen"
            )
        if isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value


def _kind(value: Any) -> str:
    match value:
        case list():
            return "a list"
        case str():
            return "a text"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case dict():
            return "a mapping"
        case _:
            return f"of type {type(value).__name__}"
