"""The service itself: catalog, workers, queue."""

from typing import Annotated

from fastapi import APIRouter, Query

from api.answers import worker
from api.catalog import catalog
from api.cursors import after, position
from api.deps import ServiceDep
from api.parameters import CursorQuery, Limit
from api.schemas.base import failures
from api.schemas.service import Catalog, Queue, QueuedJob, WorkerList
from store import queue as stored_queue
from store import workers as stored_workers

router = APIRouter(tags=["service"])


@router.get("/catalog", operation_id="getCatalog")
def get_catalog(service: ServiceDep) -> Catalog:
    """List everything a spec can name."""
    with service.read() as session:
        found = stored_workers.list_workers(session, alive_s=service.settings.lease_s)
    return catalog({w.name: w.datasets for w in found if w.alive})


@router.get("/workers", operation_id="listWorkers")
def workers(service: ServiceDep) -> WorkerList:
    """List the workers: devices, heartbeat, memory, current job."""
    with service.read() as session:
        found = stored_workers.list_workers(session, alive_s=service.settings.lease_s)
    return WorkerList(items=[worker(w) for w in found], next=None)


@router.delete(
    "/workers", operation_id="forgetWorker", status_code=204, responses=failures(404, 409)
)
def forget(
    service: ServiceDep,
    name: Annotated[str, Query(max_length=200, description="Of the worker, as in the list.")],
) -> None:
    """Leave a worker that is gone out of the list; the records of its attempts stay."""
    with service.write() as session:
        stored_workers.forget(session, name, alive_s=service.settings.lease_s)


@router.get("/queue", operation_id="getQueue")
def queue(service: ServiceDep, cursor: CursorQuery = None, limit: Limit = 100) -> Queue:
    """List queued jobs in the order they would start."""
    begin = position(cursor)
    with service.read() as session:
        found = stored_queue.read(session, limit=limit + 1, offset=begin)
    return Queue(
        items=[QueuedJob.model_validate(q) for q in found[:limit]],
        next=after(begin + limit) if len(found) > limit else None,
    )
