import json
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.main import create_app
from api.settings import Settings

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def openapi() -> dict[str, Any]:
    app = create_app(Settings(database_url="postgresql+psycopg://"))
    client = TestClient(app, base_url="http://127.0.0.1")
    made: dict[str, Any] = client.get("/api/v1/openapi.json").json()
    return made


def operations(openapi: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{method.upper()} {path}", operation)
        for path, methods in openapi["paths"].items()
        for method, operation in methods.items()
    ]


def test_the_document_that_clients_are_made_of_is_fresh(openapi: dict[str, Any]) -> None:
    kept = json.loads((ROOT / "web" / "openapi.json").read_text())
    assert kept == openapi, "run: python -m api.openapi > web/openapi.json"


def test_every_route_is_described_tagged_and_named(openapi: dict[str, Any]) -> None:
    seen = set()
    known = {tag["name"] for tag in openapi["tags"]}
    for name, operation in operations(openapi):
        assert operation["description"].endswith("."), name
        assert set(operation["tags"]) <= known, name
        assert operation["operationId"].isidentifier(), name
        assert "_" not in operation["operationId"], name
        seen.add(operation["operationId"])
    assert len(seen) == len(operations(openapi))


def test_every_failure_is_declared_as_a_problem(openapi: dict[str, Any]) -> None:
    for name, operation in operations(openapi):
        if "/api/v1/" in name:
            assert "403" in operation["responses"], name
            assert "503" in operation["responses"], name
        if "{id}" in name:
            assert "404" in operation["responses"], name
        if "requestBody" in operation:
            assert {"400", "413", "422"} <= set(operation["responses"]), name
        for status, response in operation["responses"].items():
            if status >= "400":
                assert list(response["content"]) == ["application/problem+json"], name


def test_every_parameter_is_described(openapi: dict[str, Any]) -> None:
    for name, operation in operations(openapi):
        for parameter in operation.get("parameters", []):
            assert parameter.get("description"), (name, parameter["name"])


def test_every_schema_is_described(openapi: dict[str, Any]) -> None:
    for name, schema in openapi["components"]["schemas"].items():
        assert schema.get("description"), name
        assert "-" not in name


def test_bodies_carry_examples_that_hold(openapi: dict[str, Any]) -> None:
    schemas = openapi["components"]["schemas"]
    assert schemas["JobSubmit"]["properties"]["spec"]["examples"]
    assert schemas["SweepSubmit"]["properties"]["base"]["examples"]
    assert "name" in schemas["MLPModelInput"]["required"]
