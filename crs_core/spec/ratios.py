"""Ratios, and how they come about over a training."""

from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from crs_core.spec.parts import MAX_STEPS, Part, as_tuple


def _as_ratio(value: object) -> object:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and not 0 < value <= 1:
        raise ValueError(
            f"a ratio is the share of pairs to keep, above 0 and at most 1; got {value}"
        )
    return value


Ratio = Annotated[float, Field(gt=0, le=1), BeforeValidator(_as_ratio)]
Steps = Annotated[tuple[Annotated[int, Field(ge=1, le=MAX_STEPS)], ...], BeforeValidator(as_tuple)]
RatioShape = Literal["constant", "linear", "cosine", "step"]


class RatioSchedule(Part):
    """How the ratios of a rule go from `start` to what the rule says; a ratio of 1.0 stays.

    Steps are optimizer steps, counted from 0; `crs_core.ratios` has the formulas. Before and after
    the schedule products can be exact: for the first steps, for the last share of the training.
    """

    shape: RatioShape = "constant"
    start: Ratio = Field(1.0, description="Ratio at the beginning (linear, cosine, step).")
    end_step: int | None = Field(
        None,
        ge=1,
        le=MAX_STEPS,
        description="Step that first has the rule's ratio (linear, cosine); left out: the last "
        "step that is sampled.",
    )
    milestones: Steps = Field(
        (), max_length=1000, description="Steps of the equal jumps to the rule's ratio (step)."
    )
    exact_first_steps: int = Field(
        0, ge=0, le=MAX_STEPS, description="So many first steps are exact."
    )
    exact_last: float = Field(
        0.0, ge=0, lt=1, description="So large a last share of the training is exact."
    )

    @model_validator(mode="after")
    def _only_what_the_shape_has(self) -> Self:
        has = {
            "constant": (),
            "linear": ("start", "end_step"),
            "cosine": ("start", "end_step"),
            "step": ("start", "milestones"),
        }[self.shape]
        given = {
            "start": self.start != 1.0,
            "end_step": self.end_step is not None,
            "milestones": bool(self.milestones),
        }
        odd = [f"`{name}`" for name, is_given in given.items() if is_given and name not in has]
        if odd:
            raise ValueError(f"shape {self.shape!r} has no {' and no '.join(odd)}; leave it out")
        if self.shape == "step" and not self.milestones:
            raise ValueError("shape 'step' needs `milestones`, the steps at which the ratio jumps")
        return self

    @model_validator(mode="after")
    def _begins_before_it_ends(self) -> Self:
        first = self.exact_first_steps
        if any(a >= b for a, b in pairwise(self.milestones)):
            raise ValueError(
                "milestones must rise, each later than the one before; got "
                f"{', '.join(map(str, self.milestones))}"
            )
        if self.milestones and self.milestones[0] <= first:
            raise ValueError(
                f"the milestone at step {self.milestones[0]} comes before the schedule begins: "
                f"the first {first} steps are exact; give milestones above {first}"
            )
        if self.end_step is not None and self.end_step <= first:
            raise ValueError(
                f"the schedule ends at step {self.end_step} but begins at step {first}, after "
                f"`exact_first_steps`; give an `end_step` above {first}"
            )
        return self
