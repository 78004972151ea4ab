"""Which role each route needs, at least: the one table. A route that is not in it needs an admin,
and fails a test.

A change of a job or sweep names whose it must be: one's own, unless one is an admin.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from starlette.routing import compile_path

from store.owners import Kind
from store.tokens import Role


@dataclass(frozen=True)
class Access:
    """Who may use a route."""

    role: Role | None
    """At least; None: anybody, known or not."""
    own: Kind | None = None
    """Whose `{id}` must belong to the user."""
    is_change: bool = True
    """Whether a call by a changing method does change something, and so is in the audit log."""


ANYBODY = Access(None)
VIEWER = Access("viewer")
LOOKING = Access("viewer", is_change=False)
USER = Access("user")
OWN_JOB = Access("user", own="job")
OWN_SWEEP = Access("user", own="sweep")
OWN_WEBHOOK = Access("user", own="webhook")
ADMIN = Access("admin")

ACCESS: Mapping[str, Access] = {
    "POST /api/v1/plan": LOOKING,
    "GET /api/v1/jobs": VIEWER,
    "POST /api/v1/jobs": USER,
    "GET /api/v1/jobs/{id}": VIEWER,
    "PATCH /api/v1/jobs/{id}": OWN_JOB,
    "DELETE /api/v1/jobs/{id}": OWN_JOB,
    "POST /api/v1/jobs/{id}/cancel": OWN_JOB,
    "POST /api/v1/jobs/{id}/pause": OWN_JOB,
    "POST /api/v1/jobs/{id}/resume": OWN_JOB,
    "POST /api/v1/jobs/{id}/retry": OWN_JOB,
    "POST /api/v1/jobs/{id}/clone": USER,
    "GET /api/v1/jobs/{id}/curves": VIEWER,
    "GET /api/v1/jobs/{id}/layers": VIEWER,
    "GET /api/v1/jobs/{id}/log": VIEWER,
    "GET /api/v1/jobs/{id}/checkpoints": VIEWER,
    "GET /api/v1/jobs/{id}/checkpoints/{checkpoint}": VIEWER,
    "GET /api/v1/curves": VIEWER,
    "GET /api/v1/sweeps": VIEWER,
    "POST /api/v1/sweeps": USER,
    "GET /api/v1/sweeps/{id}": VIEWER,
    "POST /api/v1/sweeps/{id}/cancel": OWN_SWEEP,
    # An address may be a secret, so others' webhooks are not even listed.
    "GET /api/v1/jobs/{id}/webhooks": OWN_JOB,
    "POST /api/v1/jobs/{id}/webhooks": OWN_JOB,
    "GET /api/v1/sweeps/{id}/webhooks": OWN_SWEEP,
    "POST /api/v1/sweeps/{id}/webhooks": OWN_SWEEP,
    "DELETE /api/v1/webhooks/{id}": OWN_WEBHOOK,
    "GET /api/v1/comparison": VIEWER,
    "GET /api/v1/export": VIEWER,
    "GET /api/v1/events": VIEWER,
    "GET /api/v1/catalog": VIEWER,
    "GET /api/v1/workers": VIEWER,
    "DELETE /api/v1/workers": ADMIN,
    "GET /api/v1/queue": VIEWER,
    "GET /api/v1/session": VIEWER,
    "POST /api/v1/session": ANYBODY,
    "DELETE /api/v1/session": ANYBODY,
    "GET /api/v1/tokens": ADMIN,
    "POST /api/v1/tokens": ADMIN,
    "DELETE /api/v1/tokens/{id}": ADMIN,
    "GET /api/v1/users": ADMIN,
    "PATCH /api/v1/users/{name}": ADMIN,
    "GET /api/v1/usage": VIEWER,
    "GET /api/v1/audit": ADMIN,
    "GET /api/v1/openapi.json": ANYBODY,
    # These two, and the page itself, do not pass the door.
    "GET /healthz": ANYBODY,
    "GET /readyz": ANYBODY,
    "GET /metrics": VIEWER,
}


class Match(NamedTuple):
    """A route's access, and the parameters of the path."""

    access: Access
    params: Mapping[str, Any]


def _compiled() -> dict[str, list[tuple[re.Pattern[str], Access]]]:
    found: dict[str, list[tuple[re.Pattern[str], Access]]] = {}
    for route, access in ACCESS.items():
        method, path = route.split(" ")
        found.setdefault(method, []).append((compile_path(path)[0], access))
    return found


_ROUTES = _compiled()


def access_to(method: str, path: str) -> Match | None:
    """Find who may call a path with a method; None: it is not in the table."""
    for pattern, access in _ROUTES.get(method, ()):
        match = pattern.match(path)
        if match:
            return Match(access, match.groupdict())
    return None
