"""Users: their tokens, caps, use of devices, and the log of what they changed."""

import re
from datetime import UTC, date, datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from pydantic import BeforeValidator

from api.deps import ServiceDep
from api.errors import ParameterError
from api.parameters import CursorQuery, Limit, Names
from api.schemas.base import failures
from api.schemas.people import (
    AuditEntry,
    AuditList,
    Caps,
    IssuedToken,
    Token,
    TokenIssue,
    TokenList,
    Used,
    UsedList,
    User,
    UserList,
)
from store import audit, owners, tokens, usage

router = APIRouter(tags=["people"])
EPOCH = date(1970, 1, 1)


def _written(said: object) -> object:
    """Refuse a number, which would be taken for seconds since 1970."""
    if isinstance(said, str) and not re.match(r"\d{4}-\d\d-\d\d", said):
        raise ValueError("a date begins with year, month and day, as 2030-01-31")
    return said


Day = Annotated[
    date | None,
    BeforeValidator(_written),
    Query(description="A day in UTC, as 2030-01-31; included."),
]
Time = Annotated[datetime | None, BeforeValidator(_written)]


@router.get("/tokens", operation_id="listTokens")
def list_tokens(service: ServiceDep, cursor: CursorQuery = None, limit: Limit = 100) -> TokenList:
    """List every token that was issued, newest first; secrets are not kept."""
    with service.read() as session:
        page = tokens.list_tokens(session, limit=limit, cursor=cursor)
    return TokenList(items=[Token.model_validate(t) for t in page.items], next=page.next)


@router.post("/tokens", operation_id="issueToken", status_code=201, responses=failures(400, 413))
def issue(body: TokenIssue, service: ServiceDep, response: Response) -> IssuedToken:
    """Make a token for a user. Its secret is in this answer and nowhere else."""
    with service.write() as session:
        made = tokens.issue(
            session, body.user, body.role, expires_in_s=body.expires_in_s, name=body.name
        )
    response.headers["Location"] = f"/api/v1/tokens/{made.token.id}"
    shown = Token.model_validate(made.token).model_dump()
    return IssuedToken.model_validate(shown | {"secret": made.secret})


@router.delete(
    "/tokens/{id}", operation_id="revokeToken", status_code=204, responses=failures(404, 409)
)
def revoke(
    token_id: Annotated[str, Path(alias="id", description="Id of the token.")], service: ServiceDep
) -> None:
    """End a token for good, and the sessions that were begun with it. Again is no error."""
    with service.write() as session:
        tokens.revoke(session, token_id, keep_an_admin=service.login is not None)


@router.get("/users", operation_id="listUsers")
def users(service: ServiceDep) -> UserList:
    """List the users there are, with their caps and what they have in the queue and running."""
    with service.read() as session:
        found = owners.list_users(session)
    return UserList(items=[User.model_validate(u) for u in found], next=None)


@router.patch("/users/{name}", operation_id="changeUser", responses=failures(400, 404, 413))
def change(
    name: Annotated[str, Path(description="Name of the user.")], body: Caps, service: ServiceDep
) -> User:
    """Set a user's caps; null gives the service's setting back."""
    with service.write() as session:
        said = body.model_dump(include=body.model_fields_set)
        return User.model_validate(owners.set_caps(session, name, **said))


@router.get("/usage", operation_id="getUsage")
def used(
    service: ServiceDep,
    user: Annotated[str | None, Query(max_length=100, description="Only this user.")] = None,
    since: Day = None,
    until: Day = None,
) -> UsedList:
    """Sum up device-seconds used and saved, by user and kind of device; deleted jobs included."""
    if since is not None and until is not None and until < since:
        raise ParameterError("until", f"this must not be before `since`; got {until} and {since}")
    with service.read() as session:
        found = usage.read(session, user=user, first_day=_day(since), last_day=_day(until))
    return UsedList(items=[Used.model_validate(u) for u in found], next=None)


def _day(said: date | None) -> int | None:
    return None if said is None else (said - EPOCH).days


@router.get("/audit", operation_id="getAudit")
def changes(
    service: ServiceDep,
    user: Names = (),
    since: Annotated[Time, Query(description="From this time on (RFC 3339).")] = None,
    until: Annotated[Time, Query(description="Before this time (RFC 3339).")] = None,
    cursor: CursorQuery = None,
    limit: Limit = 100,
) -> AuditList:
    """List changing calls, newest first: who, from where, what, and what became of it."""
    with service.read() as session:
        page = audit.read(
            session,
            users=user,
            since=_seconds(since),
            until=_seconds(until),
            limit=limit,
            cursor=cursor,
        )
    return AuditList(items=[AuditEntry.model_validate(e) for e in page.items], next=page.next)


def _seconds(said: datetime | None) -> float | None:
    """Give a time as the store has it; one without a zone is in UTC, as all of ours are."""
    if said is None:
        return None
    return (said if said.tzinfo else said.replace(tzinfo=UTC)).timestamp()
