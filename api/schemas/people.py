"""People: tokens, sessions, users with caps, what they used, and what they changed."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from api.schemas.base import Answer, Cursor, Request

Role = Annotated[
    Literal["viewer", "user", "admin"],
    Field(
        description="`viewer` looks; `user` also submits, and changes what is their own; `admin` "
        "does everything."
    ),
]
UserName = Annotated[
    str,
    Field(
        max_length=64,
        description="Letters, digits and . _ @ -; whose jobs they are.",
        examples=["ada"],
    ),
]
Cap = Annotated[
    int | None, Field(ge=0, le=1_000_000, description="null: the service's setting.", examples=[20])
]
DAY_S = 86_400


class TokenIssue(Request):
    """A token to be made."""

    user: UserName
    role: Role = "user"
    name: str = Field("", max_length=200, description="What it is for; free text.")
    expires_in_s: float | None = Field(
        90 * DAY_S,
        gt=0,
        le=3650 * DAY_S,
        description="Seconds until it ends; null: it does not end by itself.",
    )


class Token(Answer):
    """A token, without its secret."""

    id: str
    user: str
    name: str
    role: Role
    state: Literal["valid", "expired", "revoked"]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None = Field(description="To within a minute.")


class IssuedToken(Token):
    """A new token with its secret, which is shown this once."""

    token: str = Field(
        validation_alias="secret", description="Send it as `Authorization: Bearer …`."
    )


class TokenList(Answer):
    """Tokens, newest first."""

    items: list[Token]
    next: Cursor


class SignIn(Request):
    """A token, shown for a cookie."""

    token: str = Field(max_length=200, examples=["colrow_…"])


class WhoAmI(Answer):
    """Who asks, and how that is known."""

    user: str
    role: Role
    by: Literal["loopback", "token", "cookie"] = Field(
        description="`loopback`: no login is needed here."
    )
    token_id: str | None
    token_name: str | None
    expires_at: datetime | None = Field(description="When the token ends.")


class Caps(Request):
    """Caps to be set; what is left out stays."""

    max_running: Cap = None
    max_queued: Cap = None


class User(Answer):
    """A user, the caps of their jobs, and what counts towards them now."""

    name: str
    created_at: datetime
    max_running: int | None = Field(description="Jobs that run at once; null: the setting.")
    max_queued: int | None = Field(description="Jobs in the queue; null: the setting.")
    running: int
    queued: int


class UserList(Answer):
    """Users, by name."""

    items: list[User]
    next: Cursor


class Used(Answer):
    """What a user used of devices of one kind, and what sampling saved of it."""

    user: str
    kind: str = Field(description="`cpu` or `cuda`.", examples=["cuda"])
    device_s: float = Field(description="Seconds for which attempts had devices, times devices.")
    attempts: int
    exact_macs: float = Field(description="MACs of exact training to where the jobs got.")
    performed_macs: float = Field(description="MACs that were performed for it.")
    saved_macs: float = Field(description="The difference.")
    saved_device_s: float | None = Field(
        description="Measured against exact jobs of the same sweep on the same devices, which both "
        "had to themselves; null where there is no such pair. Below 0: sampling took longer."
    )
    compared_jobs: int = Field(
        description="Jobs that `saved_device_s` is of; deleted ones are not."
    )


class UsedList(Answer):
    """What was used, by user and kind."""

    items: list[Used]
    next: Cursor


class AuditEntry(Answer):
    """A changing call: who made it and what became of it."""

    at: datetime
    user: str | None
    token_id: str | None
    address: str | None
    method: str = Field(description="`command`: `colrow token` on the database, without the api.")
    path: str
    status: int
    detail: str | None = Field(description="What was made, or why it was refused.")
    times: int = Field(
        description="How often: refusals of one token that are alike in method and status share an "
        "entry for a minute, which tells of the first."
    )


class AuditList(Answer):
    """Changing calls, newest first."""

    items: list[AuditEntry]
    next: Cursor
