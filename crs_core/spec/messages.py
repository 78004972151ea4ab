"""What pydantic found wrong with a spec, in plain words."""

import re
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from crs_core.errors import FieldError

_UNIONS = (
    "model", "optimizer", "schedule", "operation", "distribution", "distribution_b",
    "method",
)  # fmt: skip
_BOUNDS = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}
_KINDS = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "string": "a text",
    "list": "a list",
    "tuple": "a list",
    "dict": "a mapping",
    "model": "a mapping",
}


def field_errors(
    error: ValidationError, root: type[BaseModel], *, inside: str = ""
) -> list[FieldError]:
    """Say in plain words what pydantic found in a `root`, one entry per field.

    `inside` is the tag of a union around the whole, which nobody wrote.
    """
    found = error.errors(include_url=False)
    for detail in found if inside else ():
        detail["loc"] = detail["loc"][1:]
    return [field_error(e, root) for e in found]


def field_error(detail: Any, root: type[BaseModel] | None = None) -> FieldError:
    """Say it of one entry of `ValidationError.errors()`.

    `root` is the class that was to be made: an unknown field is compared with those that it has.
    """
    return FieldError(_loc(detail), _message(detail, root))


def _loc(error: Any) -> str:
    # Behind the name of a union stands the tag it chose by, two behind `model`: the reader wrote
    # no such keys.
    kept: list[str] = []
    is_tag = False
    for part in map(str, error["loc"]):
        if not is_tag:
            kept.append(part)
        is_tag = _is_union(kept) if not is_tag else part == "ours"
    return ".".join(kept)


def _is_union(path: list[str]) -> bool:
    # A rule has a `schedule` too, of one kind only.
    return path[-1] in _UNIONS and path[-3:-2] != ["approximation"]


def _message(error: Any, root: type[BaseModel] | None) -> str:
    kind, got, context = error["type"], error.get("input"), error.get("ctx", {})
    match kind:
        case "extra_forbidden":
            return f"this field is not known; {_instead(error['loc'], root)}"
        case "missing":
            return "this field is missing"
        case "union_tag_invalid":
            return f"{context['tag']!r} is not known; there are: {context['expected_tags']}"
        case "union_tag_not_found":
            return "`name` is missing: it says which kind this is"
        case "literal_error":
            return f"{got!r} is not known; there are: {context['expected']}"
        case "value_error":
            return str(context["error"])
        case "finite_number":
            return f"this must be a finite number; got {got}"
        case "greater_than_equal" | "greater_than" | "less_than_equal" | "less_than":
            key = next(key for key in _BOUNDS if key in context)
            return f"this must be {_BOUNDS[key]} {_plain(context[key])}; got {got}"
        case "string_too_short" | "string_too_long" | "too_short" | "too_long":
            return _length(kind, got, context)
        case _:
            needed = _KINDS.get(kind.split("_")[0])
            if needed is None:
                return f"{error['msg']}; got {_shown(got)}"
            return f"this must be {needed}; got {_shown(got)}{_mended(needed, got, _loc(error))}"


def _length(kind: str, got: Any, context: Any) -> str:
    unit = "character" if kind.startswith("string") else "entry"
    word, key = ("at least", "min_length") if kind.endswith("short") else ("at most", "max_length")
    many = context[key]
    units = unit if many == 1 else {"character": "characters", "entry": "entries"}[unit]
    there = f"; got {len(got)}" if hasattr(got, "__len__") else ""
    return f"this must have {word} {many} {units}{there}"


def _mended(needed: str, got: Any, loc: str) -> str:
    """Give what was probably meant, where that can be told."""
    if not isinstance(got, str):
        return f"; write [{got}]" if needed == "a list" and isinstance(got, int) else ""
    path = loc.split(".")
    if needed == "a mapping" and path[-1] == "schedule" and not _is_union(path):
        return f"; write {{shape: {got}}}"
    if needed == "a mapping" and path[-1] in (*_UNIONS, "dataset", "policy"):
        return f"; write {{name: {got}}}"
    number = re.fullmatch(r"\s*([-+]?\d+(?:\.\d+)?)\s*(%?)\s*", got)
    if number is None or needed not in ("a number", "a whole number"):
        return ""
    if number[2]:
        return f"; write {float(number[1]) / 100:g}" if needed == "a number" else ""
    if needed == "a number" or "." not in number[1]:
        return f"; write {number[1]}, without quotes"
    return ""


def _plain(bound: float) -> float:
    return int(bound) if bound == int(bound) else bound


def _shown(got: Any) -> str:
    if got is None or isinstance(got, bool):
        return {None: "null", True: "true", False: "false"}[got]
    shown = repr(got)
    return shown if len(shown) <= 80 else shown[:77] + "..."


def _instead(loc: tuple[Any, ...], root: type[BaseModel] | None) -> str:
    """Name the field that was probably meant, or else all that there are."""
    there = _names(loc, root) if root else []
    near = get_close_matches(str(loc[-1]), there, n=1)
    if near:
        return f"did you mean `{near[0]}`?"
    return f"there are: {', '.join(there)}" if there else "remove it or mend its name"


def _names(loc: tuple[Any, ...], root: type[BaseModel]) -> list[str]:
    """Give the fields beside the last word of `loc`, by following it through the classes."""
    here = [root]
    for part in loc[:-1]:
        inside = [c.model_fields[part].annotation for c in here if part in c.model_fields]
        if inside:
            here = [found for annotation in inside for found in _classes(annotation)]
        elif isinstance(part, str):  # the tag of a union, or of a field's own validator
            here = [c for c in here if _is_tagged(c, part)] or here
    return list(dict.fromkeys(name for c in here for name in c.model_fields))


def _is_tagged(kind: type[BaseModel], tag: str) -> bool:
    return "name" in kind.model_fields and kind.model_fields["name"].default == tag


def _classes(annotation: Any) -> list[type[BaseModel]]:
    """Find the classes of parts in an annotation: in `tuple[Rule, ...]` it is Rule."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for part in get_args(annotation) for found in _classes(part)]
