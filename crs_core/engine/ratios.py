"""Set the ratios of scheduled layers, step by step."""

from collections.abc import Mapping, Sequence

from crs_core.convert import Twin
from crs_core.rules import LayerPlan, plan_at


class ScheduledRatios:
    """The layers whose rule has a schedule. What holds at a step follows from the step alone."""

    def __init__(self, plan: Sequence[LayerPlan], layers: Mapping[str, Twin], steps: int) -> None:
        self._steps = steps
        self._scheduled = [
            (layers[layer.name], layer) for layer in plan if layer.schedule is not None
        ]

    def set(self, step: int) -> None:
        """Set what holds at `step`, counted from 0. Nothing waits for the device."""
        for layer, plan in self._scheduled:
            now = plan_at(plan, step, self._steps)
            layer.ratio, layer.backward_ratio = now.forward, now.backward
