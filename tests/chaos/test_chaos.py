"""Every fault once, on each profile: all jobs finish, bit for bit as if nothing had been."""

import random

import pytest

from tests.chaos import faults
from tests.chaos.storm import run

pytestmark = [pytest.mark.system, pytest.mark.xdist_group("chaos")]
SEED = 4


@pytest.mark.parametrize(
    "profile", ["embedded", pytest.param("cluster", marks=pytest.mark.needs_programs)]
)
def test_a_service_survives_every_fault(profile, capsys):
    def choose(world):
        names = faults.possible(world)
        return random.Random(SEED).sample(names, len(names))

    with capsys.disabled():
        done, wrong = run(profile, SEED, choose, pause_s=1.0, say=lambda _: None)
    assert wrong == []
    assert set(done) >= set(faults.FAULTS) - faults.CLUSTER_ONLY - {"fill_disk"}
