"""What the approximate modules have beside torch's: a policy, ratios, generators and a meter."""

import torch

from crs_core.ops import Generators, Memory, Meter
from crs_core.ops.choice import setting
from crs_core.spec import CHOICES, Policy


class Sampled:
    """The attributes of an approximate module. They may be changed between steps.

    `meter` is None until someone wants to know; hand in a `crs_core.ops.Meter`. `memory` holds the
    scores that a policy with `refresh_every` keeps; it is in no state dict of the module.
    """

    policy: Policy
    ratio: float
    backward_ratio: float
    min_samples: int
    generator: torch.Generator | Generators | None
    meter: Meter | None
    memory: Memory

    def _set_up(
        self,
        policy: Policy | str,
        ratio: float,
        backward_ratio: float,
        min_samples: int,
        generator: torch.Generator | Generators | None,
    ) -> None:
        checked = setting(policy, ratio, backward_ratio, min_samples, generator, None)
        self.policy = checked.policy
        self.ratio = ratio
        self.backward_ratio = backward_ratio
        self.min_samples = min_samples
        self.generator = generator
        self.meter = None
        self.memory = Memory()

    def _sampling_repr(self) -> str:
        choices = "".join(
            f", {name}={getattr(self.policy, name)}"
            for name in CHOICES[self.policy.name]
            if getattr(self.policy, name) != Policy.model_fields[name].default
        )
        return (
            f"policy={self.policy.name}{choices}, ratio={self.ratio}, "
            f"backward_ratio={self.backward_ratio}, min_samples={self.min_samples}"
        )
