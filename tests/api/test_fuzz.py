"""Every route against what its own OpenAPI says, with input made up from it."""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from schemathesis.generation import GenerationMode

import migrations
from api.main import create_app
from api.settings import Settings

HEADERS = {"Host": "127.0.0.1"}


def cases() -> list[tuple[str, GenerationMode]]:
    """Every route with input that is right, and with wrong input where it takes any."""
    document = create_app(Settings(database_url="postgresql+psycopg://")).openapi()
    found = []
    for methods in document["paths"].values():
        for operation in methods.values():
            name = operation["operationId"]
            if name == "streamEvents":  # it does not end
                continue
            found.append((name, GenerationMode.POSITIVE))
            asked = [p for p in operation.get("parameters", []) if p["in"] == "query"]
            if asked or "requestBody" in operation:
                found.append((name, GenerationMode.NEGATIVE))
    return found


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> Any:
    url = f"sqlite:///{tmp_path_factory.mktemp('fuzz')}/colrow.db"
    migrations.upgrade(url)
    app = create_app(Settings(database_url=url, broker_url=None))
    return schemathesis.openapi.from_asgi("/api/v1/openapi.json", app, headers=HEADERS)


@pytest.mark.parametrize(("name", "mode"), cases(), ids=lambda part: getattr(part, "value", part))
def test_a_route_does_what_its_openapi_says(schema: Any, name: str, mode: GenerationMode) -> None:
    operation = schema.find_operation_by_id(name)

    @given(case=operation.as_strategy(generation_mode=mode))
    @hypothesis_settings(
        max_examples=4,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    def holds(case: Any) -> None:
        # What the schema allows may still not fit its data: that is for other tests.
        left_out = [schemathesis.checks.CHECKS.get_one("positive_data_acceptance")]
        case.call_and_validate(headers=HEADERS, excluded_checks=left_out)

    holds()
