"""What the products of every layer cost and did: from meters, or by plan where a layer is exact."""

from collections.abc import Mapping
from typing import Any

import torch

from crs_core.cost import Cost, divided
from crs_core.engine.ranks import ALONE, Ranks
from crs_core.events import LayerRow
from crs_core.ops import Meter, together
from crs_core.rules import LayerPlan


class Ledger:
    """MACs and rows of all layers. A layer without a meter is exact: its plan, step by step.

    Meters are of one rank; what is told is of all of them, so they ask together.
    """

    def __init__(
        self,
        plan: tuple[LayerPlan, ...],
        cost: Cost,
        meters: Mapping[str, Meter],
        ranks: Ranks = ALONE,
    ) -> None:
        self._ranks = ranks
        self._plan = plan
        self._products = cost.layers
        self._meters = dict(meters)
        self._per_step = sum(p.exact_macs for p in cost.layers)
        self._exact_per_step = sum(p.exact_macs for p in cost.layers if p.layer not in meters)

    def probe(self, *, is_on: bool) -> None:
        """Have the next steps measure the error of every approximate product, or no longer."""
        for meter in self._meters.values():
            meter.probe = is_on

    def performed_macs(self, step: int) -> int:
        """Give the MACs really multiplied in the first `step` steps."""
        own = sum(m.performed_macs for m in self._meters.values())
        return step * self._exact_per_step + int(self._ranks.sum(torch.tensor(own)))

    def reduction(self, step: int) -> float:
        """Give the compute reduction performed so far: 1 - performed / exact."""
        return 1 - self.performed_macs(step) / (step * self._per_step)

    def sampling_seconds(self) -> float:
        """Give the time spent in sampling, mean over the ranks. Waits for the device."""
        own = sum((m.sampling_seconds() for m in self._meters.values()), 0.0)
        total = self._ranks.sum(torch.tensor(own, dtype=torch.float64)).item()
        return total / self._ranks.count

    def rows(self, step: int) -> tuple[LayerRow, ...]:
        """Give a row per layer and product, input to output; to the first rank, others get none.

        Waits for the device.
        """
        if self._ranks.count == 1:
            return self._rows(self._meters, step)
        own = self.state_dict()
        others = self._ranks.of_others(own)
        if not self._ranks.is_first:
            return ()
        return self._rows(
            {
                layer.name: together(
                    [state[layer.name] for state in (own, *others)], divided=divided(layer)
                )
                for layer in self._plan
                if layer.name in self._meters
            },
            step,
        )

    def _rows(self, meters: Mapping[str, Meter], step: int) -> tuple[LayerRow, ...]:
        return tuple(row for layer in self._plan for row in self._rows_of(layer, meters, step))

    def _rows_of(
        self, layer: LayerPlan, meters: Mapping[str, Meter], step: int
    ) -> tuple[LayerRow, ...]:
        if layer.name in meters:
            meter = meters[layer.name]
            return meter.rows(layer.name, layer.policy, layer.forward, layer.backward)
        return tuple(
            LayerRow(
                layer=p.layer,
                product=p.product,
                policy="exact",
                ratio=1.0,
                pairs=p.pairs,
                kept=float(p.pairs),
                exact_macs=step * p.exact_macs,
                performed_macs=step * p.exact_macs,
            )
            for p in self._products
            if p.layer == layer.name
        )

    def state_dict(self) -> dict[str, Any]:
        """Give the state of every meter."""
        return {name: meter.state_dict() for name, meter in self._meters.items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Set every meter."""
        for name, meter in self._meters.items():
            meter.load_state_dict(state[name])
