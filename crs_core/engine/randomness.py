"""Named random generators, each derived from (seed, name).

Every purpose draws from a generator of its own: initial weights, the order of each epoch, dropout,
the sampling of every layer. So jobs of one seed share weights and data order whatever their policy,
and a draw more in one place moves nothing in another. The global generator is never drawn from.
"""

import hashlib
from collections.abc import Mapping

import torch

from crs_core.errors import CheckpointError


def derived_seed(seed: int, name: str) -> int:
    """Give the seed of the generator called `name`, from 0 to 2^63 - 1."""
    digest = hashlib.sha256(f"{seed}:{name}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


class Randomness:
    """The generators of one job. Those that `generator` hands out go into the checkpoint."""

    def __init__(self, seed: int, device: torch.device) -> None:
        self._seed = seed
        self._device = device
        self._lasting: dict[str, torch.Generator] = {}

    def generator(self, name: str) -> torch.Generator:
        """Give the lasting generator called `name`, on the job's device."""
        if name not in self._lasting:
            self._lasting[name] = self._fresh(name, self._device)
        return self._lasting[name]

    def once(self, name: str) -> torch.Generator:
        """Give a generator for a single purpose, always at its beginning and on the CPU.

        What hangs on its name alone (initial weights, the order of epoch 7) needs no place in a
        checkpoint, and is the same on every device.
        """
        return self._fresh(name, torch.device("cpu"))

    def state_dict(self) -> dict[str, torch.Tensor]:
        """Give the state of every lasting generator."""
        return {name: g.get_state() for name, g in self._lasting.items()}

    def load_state_dict(self, states: Mapping[str, torch.Tensor]) -> None:
        """Set every lasting generator; the names must be the same."""
        if states.keys() != self._lasting.keys():
            odd = sorted(states.keys() ^ self._lasting.keys())
            raise CheckpointError(f"the random generators differ: {', '.join(odd)}")
        for name, state in states.items():
            self._lasting[name].set_state(state)

    def _fresh(self, name: str, device: torch.device) -> torch.Generator:
        return torch.Generator(device).manual_seed(derived_seed(self._seed, name))
