"""Fixtures that train, on one device and on two."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from crs_core.engine import Place, Result, ResumePoint, train
from crs_core.spec import JobSpec
from tests.crs_core.engine.jobs import Heard
from tests.crs_core.engine.together import Together


@pytest.fixture
def train_in(tmp_path: Path) -> Callable[..., tuple[Result, Heard]]:
    """Train a spec in a folder of that name; also gives what was heard."""

    def training(
        spec: JobSpec,
        folder: str = "a1",
        *,
        resume_from: tuple[ResumePoint, ...] = (),
        should_stop: Callable[[], bool] = lambda: False,
        **place: Any,
    ) -> tuple[Result, Heard]:
        heard = Heard()
        where = Place(work_dir=tmp_path / folder, resume_from=resume_from, **place)
        return train(spec, where, on_event=heard, should_stop=should_stop), heard

    return training


@pytest.fixture(scope="session")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Together]:
    """Two processes that are the ranks of a group."""
    made = Together(2, tmp_path_factory.mktemp("pair"))
    yield made
    made.close()


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
