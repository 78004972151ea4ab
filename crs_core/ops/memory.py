"""Scores that are kept for some calls, for policies that say `refresh_every`.

Only scores of features and channels are kept: the examples of a batch are others at every step.
Kept scores are as good as new ones for what is unbiased, since scales follow the scores that were
drawn by, but for one case: a pair whose kept score is 0 is not drawn, also where it is no longer
nothing. `exploration` draws it too.
"""

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor

from crs_core.errors import CheckpointError
from crs_core.events import Product


class Memory:
    """The kept scores of one layer. Plain data: it can be copied, pickled and checkpointed."""

    def __init__(self) -> None:
        self._scores: dict[Product, Tensor] = {}
        self._uses: dict[Product, int] = {}

    def scores(
        self, product: Product, pairs: int, every: int, anew: Callable[[], Tensor]
    ) -> Tensor:
        """Give the scores of a product: from `anew` at the first of `every` calls, then kept.

        Scores of another number of pairs (a shorter sequence) are not kept for this one.
        """
        uses, kept = self._uses.get(product, 0), self._scores.get(product)
        if kept is None or kept.numel() != pairs or uses >= every:
            uses, kept = 0, anew()
        self._scores[product], self._uses[product] = kept, uses + 1
        return kept

    def state_dict(self) -> dict[str, Any]:
        """Give everything as plain numbers and CPU tensors, for a checkpoint."""
        return {
            "scores": {product: scores.cpu().clone() for product, scores in self._scores.items()},
            "uses": dict(self._uses),
        }

    def load_state_dict(self, state: Mapping[str, Any], device: Any = "cpu") -> None:
        """Go on from what `state_dict` gave. Raises CheckpointError when it was not a memory's."""
        if set(state) != {"scores", "uses"}:
            raise CheckpointError(
                f"this is not the state of kept scores: it holds {sorted(map(str, state))}, but "
                "'scores' and 'uses' are needed"
            )
        self._scores = {p: s.to(device, copy=True) for p, s in state["scores"].items()}
        self._uses = dict(state["uses"])
