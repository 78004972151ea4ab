"""Every route against what its own OpenAPI says, with input made up from it."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from schemathesis.generation import GenerationMode

import migrations
from api.access import ACCESS
from api.main import create_app
from api.settings import Settings
from store import tokens
from store.session import Database
from tests.conftest import postgresql_database

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


@pytest.fixture(
    scope="module",
    params=["sqlite", pytest.param("postgresql", marks=pytest.mark.needs("postgresql"))],
)
def url(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, _own_name: str
) -> Iterator[str]:
    """Give the address of a migrated database of this module alone."""
    with ExitStack() as stack:
        made = f"sqlite:///{tmp_path_factory.mktemp('fuzz')}/colrow.db"
        if request.param == "postgresql":
            made = stack.enter_context(postgresql_database(f"{_own_name}_fuzz"))
        migrations.upgrade(made)
        yield made


def examples(count: int) -> Any:
    """Try so many, the same in every run."""
    return hypothesis_settings(
        max_examples=count,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


@pytest.fixture(scope="module")
def schema(url: str) -> Any:
    app = create_app(Settings(database_url=url, broker_url=None, profile="embedded"))
    return schemathesis.openapi.from_asgi("/api/v1/openapi.json", app, headers=HEADERS)


@pytest.mark.parametrize(("name", "mode"), cases(), ids=lambda part: getattr(part, "value", part))
def test_a_route_does_what_its_openapi_says(schema: Any, name: str, mode: GenerationMode) -> None:
    operation = schema.find_operation_by_id(name)

    @given(case=operation.as_strategy(generation_mode=mode))
    @examples(15)
    def holds(case: Any) -> None:
        # What the schema allows may still not fit its data: that is for other tests.
        left_out = [schemathesis.checks.CHECKS.get_one("positive_data_acceptance")]
        answer = case.call(headers=HEADERS)
        if answer.status_code == 413:  # refused too, though the check does not know it
            left_out.append(schemathesis.checks.CHECKS.get_one("negative_data_rejection"))
        case.validate_response(answer, headers=HEADERS, excluded_checks=left_out)

    holds()


@pytest.fixture(scope="module")
def private(url: str) -> tuple[Any, str]:
    """A service that asks for a token, and the token of a viewer."""
    database = Database(url)
    with database.write() as session:
        secret = tokens.issue(session, "vic", "viewer", expires_in_s=3600.0).secret
    database.close()
    app = create_app(Settings(database_url=url, broker_url=None, private=True))
    made = schemathesis.openapi.from_asgi("/api/v1/openapi.json", app, headers=HEADERS)
    return made, f"Bearer {secret}"


@pytest.mark.parametrize("is_known", [False, True], ids=["stranger", "viewer"])
@pytest.mark.parametrize("name", [n for n, mode in cases() if mode is GenerationMode.POSITIVE])
def test_who_may_not_gets_what_openapi_says_for_that(
    private: tuple[Any, str], name: str, is_known: bool
) -> None:
    schema, shown = private
    operation = schema.find_operation_by_id(name)
    role = ACCESS[f"{operation.method.upper()} {operation.path}"].role

    @given(case=operation.as_strategy())
    @examples(4)
    def holds(case: Any) -> None:
        headers = HEADERS | ({"Authorization": shown} if is_known else {})
        left_out = [schemathesis.checks.CHECKS.get_one("positive_data_acceptance")]
        answer = case.call_and_validate(headers=headers, excluded_checks=left_out)
        if role is not None and not is_known:
            assert answer.status_code == 401
        if role in ("user", "admin") and is_known:
            assert answer.status_code == 403

    holds()
