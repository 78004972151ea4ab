"""Failures as problem details (RFC 9457), in one place.

FAILURES maps error class to status: a route raises what the store or the library raises, and never
builds an answer of its own.
"""

import logging
import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, NamedTuple, get_args

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.routing import compile_path

from api.live import TooManyOwnStreams, TooManyStreams
from crs_core.errors import FieldError, SpecError
from crs_core.spec import field_error
from store.errors import (
    BadAddress,
    BadQuery,
    CapReached,
    Conflict,
    FileGone,
    Gone,
    IdempotencyMismatch,
    NotFound,
    SchemaError,
    StorageError,
)
from store.session import UNAVAILABLE, brief

log = logging.getLogger("colrow.api")


class Failure(NamedTuple):
    """How a class of errors is answered."""

    status: int
    type: str
    title: str


FAILURES: dict[type[Exception], Failure] = {
    NotFound: Failure(404, "not-found", "Not found"),
    CapReached: Failure(409, "cap", "Too many queued jobs"),
    Conflict: Failure(409, "conflict", "The state does not allow this"),
    BadQuery: Failure(422, "query", "A filter, sort or cursor means nothing"),
    BadAddress: Failure(422, "address", "Nothing is sent to this address"),
    Gone: Failure(410, "deleted", "What the key made was deleted"),
    IdempotencyMismatch: Failure(422, "idempotency", "The key was used for another body"),
    SchemaError: Failure(503, "schema", "The database has another schema"),
    FileGone: Failure(404, "file-gone", "The file is not there any more"),
    StorageError: Failure(503, "storage", "The files of jobs cannot be reached"),
    TooManyOwnStreams: Failure(429, "streams", "Too many event streams of one user are open"),
    TooManyStreams: Failure(503, "streams", "Too many event streams are open"),
    SpecError: Failure(422, "spec", "The spec cannot be run"),
}


MOST_ERRORS = 100
"""Fields at fault that one answer names."""


class Refusal(Exception):  # noqa: N818 - named by what is so
    """A request that is refused for who sent it, or how."""

    def __init__(
        self,
        status: int,
        kind: str,
        title: str,
        detail: str,
        *,
        headers: dict[str, str] | None = None,
    ) -> None:
        self.status, self.kind, self.title, self.detail = status, kind, title, detail
        self.headers = headers
        super().__init__(detail)


class ParameterError(Exception):
    """A parameter that its type alone cannot refuse."""

    def __init__(self, loc: str, msg: str) -> None:
        self.errors = [FieldError(loc, msg)]
        super().__init__(f"{loc}: {msg}")


def problem(
    status: int,
    kind: str,
    title: str,
    detail: str,
    *,
    errors: Sequence[FieldError] = (),
    headers: dict[str, str] | None = None,
) -> JSONResponse:
    """Make the one JSON form of a failure."""
    body: dict[str, Any] = {
        "type": f"urn:colrow:problem:{kind}",
        "title": title,
        "status": status,
        "detail": detail,
        "errors": [{"loc": e.loc, "msg": e.msg} for e in errors] or None,
    }
    return JSONResponse(
        body, status_code=status, media_type="application/problem+json", headers=headers
    )


def fields(
    errors: Sequence[FieldError], *, kind: str, title: str, of: int | None = None
) -> JSONResponse:
    """Answer 422, naming each field at fault; `of` is how many there are, where not all came."""
    count = len(errors) if of is None else of
    shown = "; ".join(f"{e.loc}: {e.msg}" if e.loc else e.msg for e in errors[:3])
    more = f"; and {count - 3} more" if count > 3 else ""
    return problem(422, kind, title, f"{shown}{more}", errors=errors[:MOST_ERRORS])


def install(app: FastAPI) -> None:
    """Answer every failure as a problem."""

    def foreseen(_request: Request, error: Exception) -> JSONResponse:
        return answer_to(error)

    kinds: tuple[type[Exception], ...] = (Refusal, *FAILURES, *UNAVAILABLE)
    for kind in kinds:
        app.add_exception_handler(kind, foreseen)
    app.add_exception_handler(ParameterError, _parameter)
    app.add_exception_handler(RequestValidationError, _request)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unforeseen)


def answer_to(error: Exception) -> JSONResponse:
    """Answer a failure of `FAILURES` or `UNAVAILABLE`, or a Refusal."""
    if isinstance(error, Refusal):
        return problem(error.status, error.kind, error.title, error.detail, headers=error.headers)
    if isinstance(error, UNAVAILABLE):
        log.error("the database failed: %s", brief(error))
        detail = "the database does not answer; the request may be sent again"
        return problem(503, "database", "The database does not answer", detail)
    found = next(FAILURES[c] for c in type(error).__mro__ if c in FAILURES)
    if isinstance(error, SpecError):
        return fields(error.errors, kind=found.type, title=found.title)
    if isinstance(error, NotFound):
        return problem(found.status, found.type, found.title, _lost(error))
    return problem(found.status, found.type, found.title, str(error))


def _lost(error: NotFound) -> str:
    kind = re.match(r"there is no (job|sweep|token|user|worker) ", str(error))
    return f"{error}; GET /api/v1/{kind[1]}s lists those there are" if kind else str(error)


def _parameter(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ParameterError)
    return fields(error.errors, kind="field", title="A parameter is wrong")


def _request(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    count = len(error.errors())
    found = [_without_kind(e) for e in error.errors()[:MOST_ERRORS]]
    if any(e["type"] == "json_invalid" for e in found):
        place, why = found[0]["loc"][-1], found[0]["ctx"]["error"]
        detail = f"the body is not JSON: {why} at character {place}"
        return problem(400, "json", "The body is not JSON", detail)
    if any(e["loc"] == ("body",) for e in found):
        detail = (
            "the body must be a JSON object, sent with `Content-Type: application/json`; "
            "GET /api/v1/openapi.json shows its fields"
        )
        errors = [FieldError("", detail)]
        return problem(422, "field", "The body is not an object", detail, errors=errors)
    in_spec = all(e["loc"][:2] == ("body", "spec") and len(e["loc"]) > 2 for e in found)
    body = getattr(request.scope["route"], "body_field", None)
    errors = [_field(e, _class_of(body.field_info.annotation) if body else None) for e in found]
    if in_spec:
        return fields(errors, kind="spec", title="The spec cannot be run", of=count)
    return fields(errors, kind="field", title="A field or parameter is wrong", of=count)


def _class_of(annotation: Any) -> type[BaseModel] | None:
    """Give the class of a body, which may be left out (`Body | None`)."""
    kinds = (annotation, *get_args(annotation))
    return next((k for k in kinds if isinstance(k, type) and issubclass(k, BaseModel)), None)


def _without_kind(detail: Any) -> Any:
    """Take the kind out of the place of an error in a spec: it is no key that anybody wrote."""
    where = detail["loc"]
    if where[:2] != ("body", "spec"):
        return detail
    if detail["type"] == "union_tag_invalid" and len(where) == 2:
        return {**detail, "loc": (*where, "kind")}
    return {**detail, "loc": where[:2] + where[3:]}


def _field(detail: Any, body: type[BaseModel] | None) -> FieldError:
    told = field_error({**detail, "loc": detail["loc"][1:]}, body)
    # The reader wrote a spec, or a parameter; where it travels is our affair.
    return FieldError(told.loc.removeprefix("spec."), told.msg)


def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    status, path = error.status_code, request.url.path
    headers = dict(error.headers or {})
    title = HTTPStatus(status).phrase
    if status == 404:
        detail = f"there is no {path!r} here; GET /api/v1/openapi.json lists every route"
    elif status == 405:
        methods = _methods(request) | set(headers.get("Allow", "").split(", "))
        headers["Allow"] = allowed = ", ".join(sorted(methods - {""}))
        detail = f"{request.method} does not go with {path!r}; it takes {allowed}"
    elif status == 400:
        detail = "the body cannot be read as JSON: its text, numbers or depth are not what JSON has"
    else:
        detail = str(error.detail)
    kind = title.lower().replace(" ", "-")
    return problem(status, kind, title, detail, headers=headers)


def _methods(request: Request) -> set[str]:
    """Give what the path takes, by the document: routing tells of one route, a method each."""
    paths: dict[str, dict[str, Any]] = request.app.openapi()["paths"]
    return {
        method.upper()
        for path, methods in paths.items()
        if compile_path(path)[0].match(request.url.path)
        for method in methods
    }


def _unforeseen(request: Request, error: Exception) -> JSONResponse:
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    detail = "this is a defect of Colrow; the log of the api has the details"
    return problem(500, "internal", "Internal error", detail)
