"""Health and metrics, at the root."""

from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from api.deps import ServiceDep
from api.metrics import Snapshot, look
from api.schemas.base import failures
from api.schemas.service import Health, Readiness
from api.version import VERSION
from store.session import check_schema

router = APIRouter(tags=["health"])


@router.get("/healthz", operation_id="getHealth")
def healthz() -> Health:
    """Say that the process is alive."""
    return Health(version=VERSION)


@router.get("/readyz", operation_id="getReadiness", responses=failures(503))
def readyz(service: ServiceDep) -> Readiness:
    """Say whether work can be done: 503 without database, `degraded` without broker."""
    service.database.ping()
    check_schema(service.database)
    answers = service.broker_answers()
    return Readiness(
        status="ok" if answers else "degraded",
        broker="ok" if answers else "down",
        version=VERSION,
    )


@router.get(
    "/metrics",
    operation_id="getMetrics",
    response_class=PlainTextResponse,
    responses=failures(401, 403, 429),
)
def metrics(service: ServiceDep) -> Response:
    """Hand out numbers for Prometheus."""
    with service.read() as session:
        found = look(session, alive_s=service.settings.lease_s)
    now = CollectorRegistry()
    now.register(Snapshot(found, open_streams=service.hub.open_streams))
    text = generate_latest(service.meter.registry) + generate_latest(now)
    return Response(text, media_type=CONTENT_TYPE_LATEST)
