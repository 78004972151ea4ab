"""Webhooks of jobs and sweeps: enter, list, remove."""

from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Path, Response

from api.answers import fields_of
from api.deps import Service, ServiceDep
from api.parameters import JobPath, SweepPath
from api.schemas.base import failures
from api.schemas.webhooks import NewWebhook, Webhook, WebhookList, WebhookSubmit
from store import webhooks
from store.addresses import target_of

router = APIRouter(tags=["webhooks"])
ENTERED = failures(400, 404, 409, 413) | {
    200: {"model": NewWebhook, "description": "It was there; its secret is a new one."}
}
WebhookPath = Annotated[
    str,
    Path(
        alias="id",
        description="Id of the webhook.",
        examples=["019ab4f3-1c2d-7e4f-8a5b-6c7d8e9f0a1b"],
    ),
]


@router.post(
    "/jobs/{id}/webhooks", operation_id="addJobWebhook", status_code=201, responses=ENTERED
)
def add_to_job(
    job_id: JobPath, body: WebhookSubmit, service: ServiceDep, response: Response
) -> NewWebhook:
    """Have the end of a job told. One that has ended is told at once."""
    return _add(body, service, response, job_id=job_id)


@router.post(
    "/sweeps/{id}/webhooks", operation_id="addSweepWebhook", status_code=201, responses=ENTERED
)
def add_to_sweep(
    sweep_id: SweepPath, body: WebhookSubmit, service: ServiceDep, response: Response
) -> NewWebhook:
    """Have the end of a sweep's last job told. A sweep that has ended is told at once."""
    return _add(body, service, response, sweep_id=sweep_id)


def _add(body: WebhookSubmit, service: Service, response: Response, **of: str) -> NewWebhook:
    target = target_of(body.url, service.settings.webhook_allow)
    new = webhooks.NewWebhook(body.url, target.receiver, body.secret, **of)
    with service.write() as session:
        added = webhooks.add(session, new)
    if not added.created:
        response.status_code = 200
    return NewWebhook.model_validate(_fields(added.webhook) | {"secret": added.secret})


@router.get("/jobs/{id}/webhooks", operation_id="listJobWebhooks", responses=failures(404))
def of_job(job_id: JobPath, service: ServiceDep) -> WebhookList:
    """List a job's webhooks with what became of their messages."""
    with service.read() as session:
        return _list(webhooks.of_job(session, job_id))


@router.get("/sweeps/{id}/webhooks", operation_id="listSweepWebhooks", responses=failures(404))
def of_sweep(sweep_id: SweepPath, service: ServiceDep) -> WebhookList:
    """List a sweep's webhooks with what became of their messages."""
    with service.read() as session:
        return _list(webhooks.of_sweep(session, sweep_id))


@router.delete(
    "/webhooks/{id}", operation_id="deleteWebhook", status_code=204, responses=failures(404)
)
def delete(webhook_id: WebhookPath, service: ServiceDep) -> None:
    """Remove a webhook; what it was not sent yet is not sent."""
    with service.write() as session:
        webhooks.delete(session, webhook_id)


def _list(found: tuple[webhooks.Webhook, ...]) -> WebhookList:
    return WebhookList(items=[Webhook.model_validate(_fields(one)) for one in found], next=None)


def _fields(view: webhooks.Webhook) -> dict[str, Any]:
    return fields_of(view) | {"url": shown(view.url)}


def shown(url: str) -> str:
    """Cut the path down to its end: for many receivers it is all that one has to know."""
    parts = urlsplit(url)
    rest = url.removeprefix(f"{parts.scheme}://{parts.netloc}")
    if len(rest) <= 1:
        return url
    return f"{parts.scheme}://{parts.netloc}/…{rest[-4:] if len(rest) > 12 else ''}"
