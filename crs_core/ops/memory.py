"""Norms of a layer's weight that are kept for some calls, for policies that say `refresh_every`.

Of the two factors of a score only the weight's is kept, and only in the forward product: its pairs
are the same things at every step, and they change slowly. The norms of what is new at every step
(inputs, gradients) are always new: where they are 0, which pairs those are differs from step to
step, and a pair kept at 0 would not be drawn when it is something. Scales follow the scores that
were drawn by, so what is unbiased stays so, but for one case: a column of the weight that was
nothing at all when it was scored, and no longer is. `exploration` draws it too.
"""

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor

from crs_core.errors import CheckpointError


class Memory:
    """The kept norms of one layer. Plain data: it can be copied, pickled and checkpointed."""

    def __init__(self) -> None:
        self._norms: Tensor | None = None
        self._uses = 0

    def norms(self, every: int, anew: Callable[[], Tensor]) -> Tensor:
        """Give the norms of the weight: from `anew` at the first of `every` calls, then kept."""
        if self._norms is None or self._uses >= every:
            self._norms, self._uses = anew(), 0
        self._uses += 1
        return self._norms

    def state_dict(self) -> dict[str, Any]:
        """Give everything as plain numbers and CPU tensors, for a checkpoint."""
        norms = self._norms
        return {"norms": None if norms is None else norms.cpu().clone(), "uses": self._uses}

    def load_state_dict(self, state: Mapping[str, Any], device: Any = "cpu") -> None:
        """Go on from what `state_dict` gave. Raises CheckpointError when it was not a memory's."""
        if set(state) != {"norms", "uses"}:
            raise CheckpointError(
                f"this is not the state of kept norms: it holds {sorted(map(str, state))}, but "
                "'norms' and 'uses' are needed"
            )
        norms = state["norms"]
        self._norms = None if norms is None else norms.to(device, copy=True)
        self._uses = state["uses"]
