"""The application."""

from fastapi import APIRouter, FastAPI

from api.routes import comparison, events, health, jobs, records, service, sweeps
from api.settings import Settings

VERSION = "0.1.0"


def create_app(settings: Settings) -> FastAPI:
    """Make the application."""
    app = FastAPI(
        title="Colrow",
        version=VERSION,
        summary="Run and compare approximate-training jobs.",
        max_body_size=settings.body_limit_bytes,
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    v1 = APIRouter(prefix="/api/v1")
    for part in (jobs, records, sweeps, comparison, events, service):
        v1.include_router(part.router)
    app.include_router(v1)
    app.include_router(health.router)
    return app
