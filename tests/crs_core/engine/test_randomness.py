import pytest
import torch

from crs_core.engine.randomness import Randomness, derived_seed
from crs_core.errors import CheckpointError

CPU = torch.device("cpu")


def test_a_name_has_one_generator_that_goes_on() -> None:
    randomness = Randomness(1, CPU)
    first = torch.rand(3, generator=randomness.generator("dropout"))
    second = torch.rand(3, generator=randomness.generator("dropout"))
    assert not torch.equal(first, second)


def test_the_same_seed_and_name_give_the_same_draws() -> None:
    draws = [torch.rand(5, generator=Randomness(7, CPU).generator("order")) for _ in range(2)]
    assert torch.equal(*draws)


def test_another_name_or_seed_gives_other_draws() -> None:
    draws = {
        tuple(torch.rand(4, generator=Randomness(seed, CPU).generator(name)).tolist())
        for seed in (0, 1, 2**62)
        for name in ("order", "weights", "sampling/fc1/forward")
    }
    assert len(draws) == 9


def test_the_seed_and_the_name_do_not_run_into_each_other() -> None:
    assert derived_seed(1, "2:x") != derived_seed(12, ":x")


def test_a_generator_for_once_starts_at_its_beginning() -> None:
    randomness = Randomness(1, CPU)
    draws = [torch.rand(3, generator=randomness.once("order/epoch-2")) for _ in range(2)]
    assert torch.equal(*draws)
    assert randomness.state_dict() == {}


def test_loading_a_state_repeats_the_draws_after_it() -> None:
    one = Randomness(1, CPU)
    torch.rand(11, generator=one.generator("a"))
    state = one.state_dict()
    expected = torch.rand(6, generator=one.generator("a"))
    other = Randomness(1, CPU)
    other.generator("a")
    other.load_state_dict(state)
    assert torch.equal(torch.rand(6, generator=other.generator("a")), expected)


def test_a_state_with_other_names_is_refused_by_name() -> None:
    one, other = Randomness(1, CPU), Randomness(1, CPU)
    one.generator("a")
    other.generator("b")
    with pytest.raises(CheckpointError, match="the random generators differ: a, b"):
        other.load_state_dict(one.state_dict())
