"""Dropout with a generator of its own against torch's."""

import pytest
import torch
from torch.nn import functional as F

from crs_core.models import Dropout
from crs_core.shards import shards


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_evaluation_changes_nothing():
    x = torch.rand(5, 7)
    assert Dropout(0.5).eval()(x) is x


def test_nothing_is_dropped_at_zero():
    x = torch.rand(5, 7)
    assert Dropout(0.0)(x) is x


@pytest.mark.parametrize("p", [0.2, 0.5, 0.9])
def test_values_are_those_of_torch_s_dropout_at_the_same_seed(p):
    x = torch.rand(31, 17)
    ours = Dropout(p, generator=seeded(5))(x)
    torch.manual_seed(5)
    torch.testing.assert_close(ours, F.dropout(x, p))


def test_the_mean_is_kept():
    x = torch.ones(400, 500, dtype=torch.float64)
    y = Dropout(0.3, generator=seeded(2))(x)
    # One value has standard deviation sqrt(p / (1 - p)); four standard errors of the mean.
    assert abs(y.mean().item() - 1) < 4 * (0.3 / 0.7 / x.numel()) ** 0.5
    assert set(y.unique().tolist()) == {0.0, 1 / 0.7}


def test_the_gradient_passes_where_the_value_did():
    x = torch.rand(6, 11, requires_grad=True)
    y = Dropout(0.5, generator=seeded(4))(x)
    y.sum().backward()
    assert torch.equal(x.grad, torch.where(y == 0, 0.0, 2.0))


def test_a_generator_s_state_gives_the_same_mask_again():
    generator = seeded(9)
    dropout, x = Dropout(0.5, generator=generator), torch.ones(8, 9)
    dropout(x)
    state = generator.get_state()
    first = dropout(x)
    generator.set_state(state)
    assert torch.equal(dropout(x), first)
    assert not torch.equal(dropout(x), first)


@pytest.mark.parametrize("batch_dim", [0, 1])
def test_devices_drop_together_what_one_drops(batch_dim):
    x = torch.rand(7, 5, 3, generator=seeded(1))
    one = Dropout(0.4, generator=seeded(6), batch_dim=batch_dim)
    cut = shards(x.shape[batch_dim], 3)
    several = [Dropout(0.4, generator=seeded(6), batch_dim=batch_dim, shard=s) for s in cut]
    for _ in range(2):  # the generators go on alike too
        parts = [
            dropout(x.narrow(batch_dim, s.begin, s.size))
            for dropout, s in zip(several, cut, strict=True)
        ]
        assert torch.equal(torch.cat(parts, batch_dim), one(x))


def test_the_mask_hangs_on_shape_and_generator_alone():
    x = torch.rand(6, 4, generator=seeded(1))
    turned = x.t().contiguous().t()
    assert torch.equal(
        Dropout(0.5, generator=seeded(3))(turned), Dropout(0.5, generator=seeded(3))(x)
    )


def test_p_is_shown():
    assert repr(Dropout(0.25)) == "Dropout(p=0.25)"
