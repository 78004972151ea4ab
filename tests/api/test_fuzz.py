"""Every route against what its own OpenAPI says, with input made up from it."""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import CHECKS

from api.main import create_app
from api.settings import Settings
from store.session import Database

LEFT_OUT = ("streamEvents",)  # it does not end

# A spec that its schema allows may still not fit its data; all else that is allowed is taken.
CHECKED = [
    check for name, check in CHECKS._items.items() if name not in ("positive_data_acceptance",)
]


@pytest.fixture
def openapi(database: Database) -> Any:
    app = create_app(Settings(database_url=database.url, broker_url=None))
    return schemathesis.openapi.from_asgi(
        "/api/v1/openapi.json", app, headers={"Host": "127.0.0.1"}
    )


routes = schemathesis.pytest.from_fixture("openapi").exclude(operation_id=list(LEFT_OUT))


@routes.parametrize()
@settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
def test_a_route_does_what_its_openapi_says(case: schemathesis.Case) -> None:
    case.call_and_validate(headers={"Host": "127.0.0.1"}, checks=CHECKED)
