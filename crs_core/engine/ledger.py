"""What the products of every layer cost and did: from meters, or by plan where a layer is exact."""

from collections.abc import Mapping
from typing import Any

from crs_core.cost import Cost
from crs_core.events import LayerRow
from crs_core.ops import Meter
from crs_core.rules import LayerPlan


class Ledger:
    """MACs and rows of all layers. A layer without a meter is exact: its plan, step by step."""

    def __init__(
        self, plan: tuple[LayerPlan, ...], cost: Cost, meters: Mapping[str, Meter]
    ) -> None:
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
        return step * self._exact_per_step + sum(m.performed_macs for m in self._meters.values())

    def reduction(self, step: int) -> float:
        """Give the compute reduction performed so far: 1 - performed / exact."""
        return 1 - self.performed_macs(step) / (step * self._per_step)

    def sampling_seconds(self) -> float:
        """Give the time spent in sampling. Waits for the device."""
        return sum((m.sampling_seconds() for m in self._meters.values()), 0.0)

    def rows(self, step: int) -> tuple[LayerRow, ...]:
        """Give a row per layer and product, input to output. Waits for the device."""
        return tuple(row for layer in self._plan for row in self._rows_of(layer, step))

    def _rows_of(self, layer: LayerPlan, step: int) -> tuple[LayerRow, ...]:
        if layer.name in self._meters:
            meter = self._meters[layer.name]
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
