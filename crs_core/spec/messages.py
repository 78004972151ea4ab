"""What pydantic found wrong with a spec, in plain words."""

from typing import Any

from pydantic import ValidationError

from crs_core.errors import FieldError

_UNIONS = (
    "model", "optimizer", "schedule", "operation", "distribution", "distribution_b",
    "method",
)  # fmt: skip


def field_errors(error: ValidationError, *, inside: str = "") -> list[FieldError]:
    """Say in plain words what pydantic found, one entry per field.

    `inside` is the tag of a union around the whole, which nobody wrote.
    """
    found = error.errors(include_url=False)
    for detail in found if inside else ():
        detail["loc"] = detail["loc"][1:]
    return [field_error(e) for e in found]


def field_error(detail: Any) -> FieldError:
    """Say it of one entry of `ValidationError.errors()`."""
    return FieldError(_loc(detail), _message(detail))


def _loc(error: Any) -> str:
    # A union puts the tag it chose behind its own name; the reader wrote no such key. Rules have no
    # unions with tags: their `schedule` is one kind of thing.
    parts = [str(part) for part in error["loc"]]
    if "approximation" in parts:
        return ".".join(parts)
    return ".".join(p for i, p in enumerate(parts) if not i or parts[i - 1] not in _UNIONS)


def _message(error: Any) -> str:
    got, context = error.get("input"), error.get("ctx", {})
    match error["type"]:
        case "extra_forbidden":
            return "this field is not known; remove it or mend its name"
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
        case _:
            shown = repr(got)
            return f"{error['msg']}; got {shown if len(shown) <= 80 else shown[:77] + '...'}"
