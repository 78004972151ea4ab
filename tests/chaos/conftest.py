"""Leaves out the storm on a cluster where PostgreSQL or Redis are not installed on this machine.

Servers that answer somewhere are not enough: these are killed.
"""

import pytest

from tests.chaos.servers import postgres_programs, redis_program


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    out = [item for item in items if item.get_closest_marker("needs_programs")]
    if not out or (postgres_programs() and redis_program()):
        return
    config.hook.pytest_deselected(items=out)
    items[:] = [item for item in items if item not in out]
    config.__dict__["left_out"] |= {"PostgreSQL's and Redis' programs": len(out)}
