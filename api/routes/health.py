"""Health and metrics, at the root."""

from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse

from api.schemas.base import failures
from api.schemas.service import Health, Readiness

router = APIRouter(tags=["health"])


@router.get("/healthz", operation_id="getHealth")
def healthz() -> Health:
    """Say that the process is alive."""
    raise RuntimeError


@router.get("/readyz", operation_id="getReadiness", responses=failures(503))
def readyz() -> Readiness:
    """Say whether work can be done: 503 without database, `degraded` without broker."""
    raise RuntimeError


@router.get("/metrics", operation_id="getMetrics", response_class=PlainTextResponse)
def metrics() -> Response:
    """Hand out numbers for Prometheus."""
    raise RuntimeError
