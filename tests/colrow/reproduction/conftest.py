"""A service inside this process."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.colrow.in_process import Service, serving


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with serving(tmp_path) as made:
        yield made
