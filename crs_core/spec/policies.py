"""How pairs are chosen, and which layers get which policy and ratios."""

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from crs_core.spec.parts import Part

PolicyName = Literal["exact", "topk", "nps", "uniform", "bernoulli"]


class Policy(Part):
    """How pairs are chosen; see `crs_core.sampling` for the formulas.

    `replacement` and `scaled` are choices of `nps` and `uniform` alone. `topk` never scales, and
    `bernoulli` always does.
    """

    name: PolicyName
    replacement: bool = Field(default=False, description="Draw with replacement (nps, uniform).")
    scaled: bool = Field(default=False, description="Scale a kept pair by 1/(k p) (nps, uniform).")

    @model_validator(mode="after")
    def _only_what_the_policy_has(self) -> Self:
        if self.name not in ("nps", "uniform") and (self.replacement or self.scaled):
            raise ValueError(
                f"policy {self.name!r} has no `replacement` or `scaled`; leave them out "
                "(they are choices of 'nps' and 'uniform')"
            )
        return self


def as_policy(value: object) -> object:
    """Let a name stand for the policy of that name."""
    return {"name": value} if isinstance(value, str) else value


def _as_ratio(value: object) -> object:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and not 0 < value <= 1:
        raise ValueError(
            f"a ratio is the share of pairs to keep, above 0 and at most 1; got {value}"
        )
    return value


Ratio = Annotated[float, Field(gt=0, le=1), BeforeValidator(_as_ratio)]


class Rule(Part):
    """Which layers get which policy and ratios. The last rule that matches a layer holds, whole."""

    layers: Annotated[str, Field(min_length=1, max_length=200)] = Field(
        "*", description="Glob over module names, as in `*`, `fc*`, `conv[12]`."
    )
    policy: Annotated[
        Policy, BeforeValidator(as_policy, json_schema_input_type=PolicyName | Policy)
    ] = Field(description="A policy, or just its name.")
    forward: Ratio = Field(1.0, description="Share of pairs kept in the forward product.")
    backward: Ratio = Field(
        1.0, description="Share kept in the two gradient products, on top of `forward`."
    )
    min_samples: int = Field(
        10, ge=1, le=1_000_000, description="The least number of pairs kept in a sampled product."
    )

    @model_validator(mode="after")
    def _exact_keeps_all(self) -> Self:
        if self.policy.name == "exact" and (self.forward != 1.0 or self.backward != 1.0):
            raise ValueError(
                "policy 'exact' keeps every pair: leave out `forward` and `backward`, or name a "
                "sampling policy"
            )
        return self
