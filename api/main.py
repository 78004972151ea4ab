"""The application: routes, page, guard and failures, put together.

    uvicorn -> Guard (our own name, headers) -> Metered -> Audited -> Door (who, may they, how
    often) -> Bodies (size, time) -> routes, or the page

Routes are synchronous and run in a pool of as many threads as there are database connections, all
but `/events`, which waits much and works little.
"""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from anyio.to_thread import current_default_thread_limiter
from fastapi import APIRouter, Depends, FastAPI

from api import errors
from api.auditing import Audited
from api.bodies import Bodies
from api.deps import Service, tell_subject
from api.door import Door
from api.metrics import Metered
from api.openapi import document
from api.page import Page
from api.parameters import only_known
from api.routes import (
    comparison,
    events,
    health,
    jobs,
    people,
    records,
    service,
    session,
    sweeps,
    webhooks,
)
from api.schemas.base import failures
from api.security import Guard
from api.settings import Settings
from api.version import VERSION

TAGS = [
    {"name": "jobs", "description": "One training run of one spec each."},
    {"name": "records", "description": "What jobs left behind: curves, layers, logs, checkpoints."},
    {"name": "sweeps", "description": "A base spec and axes, and the jobs made from them."},
    {"name": "webhooks", "description": "Whom to tell when a job or a sweep has ended."},
    {"name": "comparison", "description": "Groups of jobs against each other; export."},
    {"name": "events", "description": "What happens, as it happens."},
    {"name": "service", "description": "What there is: catalog, workers, queue."},
    {"name": "people", "description": "Who may do what, who did and who used what."},
    {"name": "health", "description": "For those who watch over the service."},
]


def create_app(settings: Settings) -> FastAPI:
    """Make the application. It starts its thread with its lifespan, and ends it there."""
    made = Service(settings)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        current_default_thread_limiter().total_tokens = settings.threads
        made.hub.start()
        yield
        made.close()

    app = FastAPI(
        title="Colrow",
        version=VERSION,
        summary="Run and compare approximate-training jobs.",
        description="Every failure is `application/problem+json` (RFC 9457). Lists are paged by "
        "cursor. Times are RFC 3339 in UTC. A number that is not finite is null. Where a login is "
        "needed, send `Authorization: Bearer colrow_…`; browsers get a cookie from `/session`.",
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        openapi_url="/api/v1/openapi.json",
        openapi_tags=TAGS,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
    )
    app.state.service = made
    v1 = APIRouter(
        prefix="/api/v1",
        dependencies=[Depends(tell_subject), Depends(only_known)],
        responses=failures(401, 403, 408, 422, 429, 503),
    )
    for part in (
        jobs, records, sweeps, webhooks, comparison, events, service, session, people,
    ):  # fmt: skip
        v1.include_router(part.router)
    app.include_router(v1)
    app.include_router(health.router)
    app.openapi = partial(document, app)  # type: ignore[method-assign]
    app.router.default = Page(settings.static)
    errors.install(app)
    app.add_middleware(Bodies, most_bytes=settings.body_limit_bytes, slow_s=settings.slow_s)
    app.add_middleware(Door, service=made)
    app.add_middleware(Audited, service=made)
    app.add_middleware(Metered, meter=made.meter)
    app.add_middleware(Guard, hosts=_names(made))
    return app


def _names(service: Service) -> frozenset[str]:
    """Give the names beside loopback's; where a login is needed, the machine's own is one."""
    own = () if service.login is None else (socket.gethostname().lower(),)
    return frozenset((*service.settings.hosts, *own))
