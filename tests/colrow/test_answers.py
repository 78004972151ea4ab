"""The client's answer types are those of the OpenAPI document."""

from typing import get_type_hints

import pytest

from api.main import create_app
from api.settings import Settings
from colrow import answers

TYPES = {
    name: value
    for name, value in vars(answers).items()
    if isinstance(value, type) and hasattr(value, "__required_keys__")
}


@pytest.fixture(scope="module")
def schemas(tmp_path_factory):
    url = f"sqlite:///{tmp_path_factory.mktemp('openapi')}/colrow.db"
    return create_app(Settings(database_url=url)).openapi()["components"]["schemas"]


@pytest.mark.parametrize("name", sorted(TYPES))
def test_an_answer_type_has_the_fields_of_openapi(schemas, name):
    assert set(get_type_hints(TYPES[name])) == set(schemas[name]["properties"])
