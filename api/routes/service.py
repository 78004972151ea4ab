"""The service itself: catalog, workers, queue."""

from fastapi import APIRouter

from api.parameters import CursorQuery, Limit
from api.schemas.base import failures
from api.schemas.service import Catalog, Queue, WorkerList

router = APIRouter(tags=["service"])


@router.get("/catalog", operation_id="getCatalog", responses=failures(403))
def catalog() -> Catalog:
    """List everything a spec can name."""
    raise RuntimeError


@router.get("/workers", operation_id="listWorkers", responses=failures(403))
def workers() -> WorkerList:
    """List the workers: devices, heartbeat, memory, current job."""
    raise RuntimeError


@router.get("/queue", operation_id="getQueue", responses=failures(403, 422))
def queue(cursor: CursorQuery = None, limit: Limit = 100) -> Queue:
    """List queued jobs in the order they would start."""
    raise RuntimeError
