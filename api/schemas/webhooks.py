"""Webhooks: whom to tell of an end, and what became of each message."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from api.schemas.base import Answer, Cursor, JobId, Request, SweepId


class WebhookSubmit(Request):
    """Where to send a message when the job, or the sweep's last job, has ended.

    The message is a JSON object that is posted with the headers `Colrow-Event`, `Colrow-Delivery`
    (its id: the same when it is sent again) and `Colrow-Signature`: `t=<seconds since 1970>,
    v1=<HMAC-SHA256 of "<t>.<body>" with the secret, as hex>`. Any status from 200 to 299 says that
    it was received; otherwise it is sent again, later and later, and given up in the end. Redirects
    are not followed.
    """

    url: str = Field(
        min_length=1,
        max_length=2000,
        description="http:// or https://, at a public address unless the admin allows others.",
        examples=["https://hooks.example/colrow"],
    )
    secret: str | None = Field(
        None,
        pattern=r"^[\x21-\x7e]{16,200}$",
        description="Signs the messages; left out, one is made and shown in the answer. 16 to 200 "
        "printable characters.",
    )


class Delivery(Answer):
    """One message, and how far it came."""

    id: str = Field(description="As in the message's header `Colrow-Delivery`.")
    event: str = Field(examples=["job.succeeded"])
    state: Literal["waiting", "sending", "delivered", "given_up"] = Field(
        description="`waiting` for its first or its next try; `given_up` after the last one."
    )
    tries: int
    created_at: datetime
    next_at: datetime | None = Field(description="Of the next try; null once it has ended.")
    ended_at: datetime | None = Field(description="When it was received, or given up.")
    last_status: int | None = Field(description="What the receiver answered at the last try.")
    last_error: str | None = Field(
        description="Why the last try failed.", examples=["the receiver answered 503"]
    )


class Webhook(Answer):
    """A webhook and its messages."""

    id: str
    url: str = Field(
        description="Its host; the path, which may be a secret, is cut down to its end.",
        examples=["https://hooks.example/…lrow"],
    )
    job: JobId | None = Field(validation_alias="job_id")
    sweep: SweepId | None = Field(validation_alias="sweep_id")
    created_at: datetime
    deliveries: list[Delivery] = Field(description="Oldest first.")


class NewWebhook(Webhook):
    """A webhook that was entered just now."""

    secret: str = Field(description="What its messages are signed with; not shown again.")


class WebhookList(Answer):
    """The webhooks of a job or a sweep, oldest first."""

    items: list[Webhook]
    next: Cursor
