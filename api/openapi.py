"""The OpenAPI document, tidied; `python -m api.openapi` prints it."""

import json
import sys
from typing import Any

from fastapi import FastAPI

from api.schemas.curves import ChangeEvent


def document(app: FastAPI) -> dict[str, Any]:
    """Make the document that the clients are generated from, once."""
    if app.openapi_schema is None:
        app.openapi_schema = _tidied(FastAPI.openapi(app))
    return app.openapi_schema


def _tidied(made: dict[str, Any]) -> dict[str, Any]:
    schemas = made["components"]["schemas"]
    schemas["ChangeEvent"] = ChangeEvent.model_json_schema(
        mode="serialization", ref_template="#/components/schemas/{model}"
    )
    for name in ("HTTPValidationError", "ValidationError"):  # FastAPI's own form; ours is Problem
        schemas.pop(name, None)
    for schema in schemas.values():
        _require_the_tag(schema)
    for path in made["paths"].values():
        for operation in path.values():
            _problems_only(operation["responses"])
    for part in ("paths", "components"):
        made[part] = _without_titles(made[part])
    return _plain_names(made)


def _require_the_tag(schema: dict[str, Any]) -> None:
    # The name of a model, optimizer or schedule says which it is, so JSON must have it.
    if "const" in schema.get("properties", {}).get("name", {}):
        schema["required"] = sorted({"name", *schema.get("required", [])})


def _problems_only(responses: dict[str, Any]) -> None:
    # Whatever a route answers, its failures are `application/problem+json`.
    for status, response in responses.items():
        if status.startswith(("4", "5")):
            schema = {"$ref": "#/components/schemas/Problem"}
            response["content"] = {"application/problem+json": {"schema": schema}}


def _without_titles(part: Any) -> Any:
    """Drop the titles that pydantic makes of names: they say nothing new."""
    if isinstance(part, list):
        return [_without_titles(item) for item in part]
    if not isinstance(part, dict):
        return part
    return {
        key: value if key in ("examples", "default") else _without_titles(value)
        for key, value in part.items()
        if key != "title" or not isinstance(value, str)
    }


def _plain_names(made: dict[str, Any]) -> dict[str, Any]:
    """Call what is sent `JobSpecInput` and what is answered `JobSpec`."""
    schemas = made["components"]["schemas"]
    text = json.dumps(made)
    for name in sorted(schemas):
        plain = name.removesuffix("-Output") if name.endswith("-Output") else name.replace("-", "")
        if plain != name:
            assert plain not in schemas
            text = text.replace(f'"{name}"', f'"{plain}"').replace(f'/{name}"', f'/{plain}"')
    tidied: dict[str, Any] = json.loads(text)
    return tidied


def main() -> None:
    """Print the document."""
    from api.main import create_app
    from api.settings import Settings

    # The address is never called; it only has to be one.
    app = create_app(Settings(database_url="postgresql+psycopg://"))
    sys.stdout.write(json.dumps(app.openapi(), indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
