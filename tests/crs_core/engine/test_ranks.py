"""What ranks tell each other, and who is refused as one; batch statistics over several of them."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from crs_core.engine import Place, failed, train
from crs_core.engine.batchnorm import SharedBatchNorm, normalise_together
from crs_core.engine.ranks import ALONE, Ranks, joined
from crs_core.errors import DeviceError, RankLostError
from tests.crs_core.engine.jobs import MLP, spec_of
from tests.crs_core.engine.together import Lost, Together, train_rank

BATCH, CHANNELS, LEFT = 7, 3, 4
"""The examples of a batch, and how many of them the first of two ranks takes."""


def of_two(rank: int) -> Ranks:
    return Ranks(rank, 2)


def ask_all(rank: int, mine: int) -> dict[str, Any]:
    ranks = of_two(rank)
    return {
        "any": ranks.any(rank == 0, rank == 1, False),
        "sum": ranks.sum(torch.tensor([mine, 10 * mine])).tolist(),
        "max": ranks.max(mine),
        "from_first": ranks.from_first(mine),
        "of_others": ranks.of_others({"mine": torch.full((mine,), 1.5), "text": "x" * mine}),
    }


def test_ranks_agree_on_what_they_have(pair: Together) -> None:
    first, second = pair.each(ask_all, (0, 3), (1, 5))
    other = first.pop("of_others")
    assert second.pop("of_others") == []
    assert (
        first == second == {"any": (True, True, False), "sum": [8, 80], "max": 5, "from_first": 3}
    )
    assert other[0]["text"] == "xxxxx"
    assert torch.equal(other[0]["mine"], torch.full((5,), 1.5))


def test_one_device_asks_nobody() -> None:
    values = torch.tensor([2.0, 3.0])
    assert ALONE.any(True, False) == (True, False)
    assert torch.equal(ALONE.sum(values), values)
    assert (ALONE.max(7), ALONE.from_first(8), ALONE.of_others({})) == (7, 8, [])
    with ALONE.first_alone():
        assert ALONE.shard(9).is_whole


def write_in_turn(rank: int, file: Path) -> None:
    with of_two(rank).first_alone():
        if rank == 0:
            time.sleep(0.3)
        with file.open("a") as lines:
            lines.write(f"{rank}\n")


def test_the_first_rank_goes_first(pair: Together, tmp_path: Path) -> None:
    pair.each(write_in_turn, (0, tmp_path / "f"), (1, tmp_path / "f"))
    assert (tmp_path / "f").read_text() == "0\n1\n"


def test_several_devices_in_one_process_are_refused(tmp_path: Path) -> None:
    spec = spec_of(MLP, resources={"devices": 2})
    with pytest.raises(DeviceError, match=r"wants 2 devices .* use `colrow train`, or start 2"):
        train(spec, Place(tmp_path))


def join(devices: int) -> int:
    with joined(devices, "cpu") as ranks:
        return ranks.rank


def test_another_number_of_processes_is_refused(pair: Together) -> None:
    assert pair.run(join, 2) == [0, 1]
    with pytest.raises(DeviceError, match=r"wants 3 devices .* but 2 processes were started"):
        pair.run(join, 3)


def end_at(step: int, folder: Path) -> None:
    """Train, and end without a word behind a step."""
    asked = iter(range(1_000))

    def should_stop() -> bool:
        if next(asked) == step:
            os._exit(9)
        return False

    train(spec_of(MLP, resources={"devices": 2}), Place(folder), should_stop=should_stop)


@pytest.fixture
def fragile(tmp_path: Path) -> Iterator[Together]:
    """Two processes that one test may lose."""
    made = Together(2, tmp_path)
    yield made
    made.close()


def outlive(rank: int, folder: Path) -> None:
    if rank == 1:
        end_at(4, folder)
    else:
        train_rank(spec_of(MLP, resources={"devices": 2}), folder)


def test_a_rank_whose_fellow_ends_says_so_and_does_not_hang(
    fragile: Together, tmp_path: Path
) -> None:
    error, lost = fragile.attempts(outlive, (0, tmp_path), (1, tmp_path))
    assert isinstance(lost, Lost)
    assert isinstance(error, RankLostError)
    assert "another process of this training has ended" in str(error)
    assert failed(error).kind == "internal"


def batch(seed: int, *shape: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(BATCH, CHANNELS, *shape, generator=generator, dtype=torch.float64)


KINDS: dict[str, Any] = {
    "vectors": (nn.BatchNorm1d, (), {}),
    "images": (nn.BatchNorm2d, (2, 5), {"eps": 1e-3}),
    "without parameters": (nn.BatchNorm2d, (2, 1), {"affine": False}),
    "a plain mean of batches": (nn.BatchNorm1d, (2,), {"momentum": None}),
    "no running averages": (nn.BatchNorm1d, (), {"track_running_stats": False}),
}


def made(kind: str) -> nn.Module:
    norm, _, settings = KINDS[kind]
    layer: nn.Module = norm(CHANNELS, dtype=torch.float64, **settings)
    for i, parameter in enumerate(layer.parameters()):
        parameter.data = torch.linspace(0.5, 2, CHANNELS, dtype=torch.float64) - i
    return layer


def pass_through(layer: nn.Module, kind: str, part: slice) -> dict[str, Any]:
    """Two steps forward and backward."""
    shape = KINDS[kind][1]
    for seed in (1, 2):
        x = batch(seed, *shape)[part].requires_grad_()
        y = layer(x)
        y.backward(batch(seed + 2, *shape)[part])
    return {
        "y": y.detach(),
        "dx": x.grad,
        "parameters": [p.grad for p in layer.parameters()],
        "buffers": dict(layer.named_buffers()),
    }


def pass_through_shard(kind: str, part: slice) -> dict[str, Any]:
    layer = normalise_together(made(kind), torch.device("cpu"))
    assert isinstance(layer, SharedBatchNorm)
    return pass_through(layer, kind, part)


@pytest.mark.parametrize("kind", KINDS)
def test_batch_statistics_are_those_of_the_whole_batch(kind: str, pair: Together) -> None:
    whole = pass_through(made(kind), kind, slice(None))
    parts = pair.each(pass_through_shard, (kind, slice(0, LEFT)), (kind, slice(LEFT, BATCH)))
    close = torch.testing.assert_close
    close(torch.cat([p["y"] for p in parts]), whole["y"])
    close(torch.cat([p["dx"] for p in parts]), whole["dx"])
    for grads in zip(*(p["parameters"] for p in parts), strict=True):
        assert grads[0] is not None
    close(
        [sum(g) for g in zip(*(p["parameters"] for p in parts), strict=True)], whole["parameters"]
    )
    for part in parts:
        close(part["buffers"], whole["buffers"])


def test_batch_normalisation_keeps_its_parameters_and_is_torch_s_in_evaluation() -> None:
    network = nn.Sequential(nn.Linear(2, CHANNELS), nn.Sequential(nn.BatchNorm1d(CHANNELS)))
    before, x = dict(network.named_parameters()), torch.randn(BATCH, 2)
    names, evaluated = list(network.state_dict()), network.eval()(x)
    network.train()
    normalise_together(network, torch.device("cpu"))
    assert list(network.state_dict()) == names
    assert all(p is before[name] for name, p in network.named_parameters())
    assert isinstance(network[1][0], SharedBatchNorm)
    assert torch.equal(network.eval()(x), evaluated)
