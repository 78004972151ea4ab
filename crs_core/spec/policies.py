"""How pairs are chosen, and which layers get which policy and ratios."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from crs_core.spec.parts import MAX_STEPS, Part, as_tuple
from crs_core.spec.ratios import Ratio, RatioSchedule

PolicyName = Literal["exact", "topk", "nps", "uniform", "bernoulli", "wta", "meprop"]
Mode = Literal["both", "backward_only"]

Gate = Literal["input", "forget", "cell", "output"]
"""The four parts of a recurrent layer's product, in torch's order."""


_SCORED = ("exploration", "refresh_every", "coverage")

CHOICES: Mapping[PolicyName, tuple[str, ...]] = {
    "exact": (),
    "topk": _SCORED,
    "nps": ("replacement", "scaled", *_SCORED),
    "uniform": ("replacement", "scaled"),
    "bernoulli": _SCORED,
    "wta": _SCORED,
    "meprop": ("exploration", "coverage"),
}
"""The fields that each policy has beside its name."""


class Policy(Part):
    """How pairs are chosen; see `crs_core.sampling` for the formulas.

    `topk` and `meprop` never scale; `bernoulli` and `wta` always do. `meprop` samples the
    gradients alone. `CHOICES` says which policy has which of the other fields.
    """

    name: PolicyName
    replacement: bool = Field(default=False, description="Draw with replacement.")
    scaled: bool = Field(default=False, description="Scale a kept pair by 1/(k p).")
    exploration: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="Share of the choice that is uniform over all pairs, so that none starves.",
    )
    refresh_every: int = Field(
        1,
        ge=1,
        le=MAX_STEPS,
        description="Forward products: take the norms of the weight anew every so many calls; an "
        "LSTM calls at each time step.",
    )
    coverage: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="Keep only as many pairs as hold this share of the total score; the ratio "
        "is then the most.",
    )

    @model_validator(mode="after")
    def _only_what_the_policy_has(self) -> Self:
        for field in dict.fromkeys(field for fields in CHOICES.values() for field in fields):
            is_default = getattr(self, field) == type(self).model_fields[field].default
            if not is_default and field not in CHOICES[self.name]:
                has = [name for name, fields in CHOICES.items() if field in fields]
                raise ValueError(
                    f"policy {self.name!r} has no `{field}`; leave it out (it is a choice of "
                    f"{', '.join(map(repr, has))})"
                )
        return self


def as_policy(value: object) -> object:
    """Let a name stand for the policy of that name."""
    return {"name": value} if isinstance(value, str) else value


class Rule(Part):
    """Which layers get which policy and ratios. The last rule that matches a layer holds, whole.

    With `mode: backward_only` the forward product is exact and the gradients alone are sampled;
    `meprop` has no other mode, and fills it in.
    """

    layers: Annotated[str, Field(min_length=1, max_length=200)] = Field(
        "*", description="Glob over module names, as in `*`, `fc*`, `conv[12]`."
    )
    policy: Annotated[
        Policy, BeforeValidator(as_policy, json_schema_input_type=PolicyName | Policy)
    ] = Field(description="A policy, or just its name.")
    mode: Mode = Field(
        "both", description="`backward_only`: the forward product is exact, gradients are sampled."
    )
    forward: Ratio = Field(1.0, description="Share of pairs kept in the forward product.")
    backward: Ratio = Field(
        1.0, description="Share kept in the two gradient products, on top of `forward`."
    )
    min_samples: int = Field(
        10, ge=1, le=1_000_000, description="The least number of pairs kept in a sampled product."
    )
    schedule: RatioSchedule | None = Field(
        None, description="How the ratios come about; left out: they hold from the first step."
    )
    gates: Annotated[tuple[Gate, ...] | None, BeforeValidator(as_tuple)] = Field(
        None,
        min_length=1,
        max_length=4,
        description="Recurrent layers only: sample the product of these gates, the others exactly; "
        "left out: all.",
    )

    @field_validator("gates")
    @classmethod
    def _each_gate_once(cls, value: tuple[Gate, ...] | None) -> tuple[Gate, ...] | None:
        if value is not None and len(set(value)) < len(value):
            raise ValueError(f"each gate can be named once; got {', '.join(value)}")
        return value

    @model_validator(mode="before")
    @classmethod
    def _meprop_has_one_mode(cls, data: Any) -> Any:
        if isinstance(data, Mapping) and _name(data.get("policy")) == "meprop":
            return {"mode": "backward_only", **data}
        return data

    @model_validator(mode="after")
    def _exact_keeps_all(self) -> Self:
        if self.policy.name == "exact" and (self.forward != 1.0 or self.backward != 1.0):
            raise ValueError(
                "policy 'exact' keeps every pair: leave out `forward` and `backward`, or name a "
                "sampling policy"
            )
        if self.policy.name == "exact" and self.schedule is not None:
            raise ValueError(
                "policy 'exact' keeps every pair and has nothing to schedule: leave out `schedule`"
            )
        return self

    @model_validator(mode="after")
    def _something_is_sampled(self) -> Self:
        asked = "policy.coverage" if self.policy.coverage is not None else "schedule"
        is_asked = self.policy.coverage is not None or self.schedule is not None
        if is_asked and self.policy.name != "exact" and self.forward == self.backward == 1.0:
            raise ValueError(
                f"with `forward` and `backward` of 1 every pair is kept and `{asked}` changes "
                "nothing: give a ratio below 1, or leave it out"
            )
        return self

    @model_validator(mode="after")
    def _backward_only_is_exact_forward(self) -> Self:
        if self.policy.name == "meprop" and self.mode != "backward_only":
            raise ValueError(
                "policy 'meprop' samples the gradients alone: leave out `mode`, or set it to "
                f"'backward_only'; got {self.mode!r}"
            )
        if self.mode == "backward_only" and self.forward != 1.0:
            if self.policy.name == "meprop":
                raise ValueError(
                    "policy 'meprop' samples the gradients alone, and its forward product is "
                    f"exact: leave out `forward`; got {self.forward:g}"
                )
            raise ValueError(
                "mode 'backward_only' keeps the forward product exact: leave out `forward`, or "
                f"set `mode` to 'both'; got {self.forward:g}"
            )
        return self


def _name(policy: object) -> object:
    """Give the name of a policy in any of its forms."""
    if isinstance(policy, Mapping):
        return policy.get("name")
    return policy.name if isinstance(policy, Policy) else policy
