"""What all approximate operations share: how pairs are scored, chosen, taken out and put back."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from crs_core.cost import budget
from crs_core.errors import RatioError, ShapeError, SpecError
from crs_core.events import Product
from crs_core.ops.memory import Memory
from crs_core.ops.meter import Meter, Multiplied
from crs_core.ops.storage import back, is_turned, storage_order
from crs_core.sampling import as_policy, draw, is_scaled, needs_scores
from crs_core.spec import Policy

LASTING: frozenset[Product] = frozenset({"forward", "grad_input"})
"""Products whose pairs are features or channels, the same at every step; not examples."""
EVERY: frozenset[Product] = LASTING | {"grad_weight"}


class Generators(NamedTuple):
    """A random generator for each of the three products; None is torch's global one."""

    forward: torch.Generator | None = None
    grad_input: torch.Generator | None = None
    grad_weight: torch.Generator | None = None


@dataclass(frozen=True)
class Chosen:
    """Pairs to multiply. With groups: those of group 0, then of 1, …, the same count in each."""

    indices: Tensor
    """int64 vector that runs over the pairs of all groups."""
    scales: Tensor | None
    """As long as `indices`; None where every scale is 1."""
    count: int
    """Pairs in each group."""

    def take(self, t: Tensor, dim: int) -> Tensor:
        """Copy the chosen slices of t, without their scales."""
        return take(t, dim, self.indices)

    def take_scaled(self, t: Tensor, dim: int) -> Tensor:
        """Copy the chosen slices of t, each times its scale."""
        return scale(take(t, dim, self.indices), dim, self.scales)


@dataclass(frozen=True)
class Setting:
    """How one operation samples; made by `setting`, which checks it."""

    policy: Policy
    ratio: float
    backward_ratio: float
    min_samples: int
    generators: Generators
    meter: Meter | None
    memory: Memory | None = None

    def is_exact(self, *, pairs: int, backward_pairs: tuple[int, int]) -> bool:
        """Whether all three products keep every pair, so that nothing is there to approximate.

        `backward_pairs` are outputs, then examples; `meprop` looks at outputs alone.
        """
        if self.policy.name == "meprop":
            backward_pairs = (backward_pairs[0],) * 2
        return self.budget("forward", pairs) == pairs and all(
            self.budget("grad_input", n) == n for n in backward_pairs
        )

    def budget(self, product: Product, pairs: int) -> int:
        """Give k of a product; `exact` keeps all."""
        if self.policy.name == "exact":
            return pairs
        ratio = self.ratio if product == "forward" else self.backward_ratio
        return budget(pairs, ratio, self.min_samples)

    def choose(
        self,
        product: Product,
        pairs: int,
        like: Tensor,
        scores: Callable[[], Tensor],
        *,
        groups: int = 1,
    ) -> Chosen | None:
        """Choose pairs of one product; None means all of them, exactly.

        `scores` gives `groups * pairs` numbers, and is called only where the policy looks at them.
        """
        k = self.budget(product, pairs)
        if k == pairs:
            return None
        meter = self.meter
        with nullcontext() if meter is None else meter.clock(product, like.device):
            known = (
                scores()
                if needs_scores(self.policy)
                else torch.ones((), device=like.device, dtype=wide(like.dtype)).expand(
                    groups * pairs
                )
            )
            generator: torch.Generator | None = getattr(self.generators, product)
            least = self.min_samples
            if groups == 1:
                kept = draw(known, k, self.policy, generator, least=least)
                indices, scales = kept.indices, kept.scales
            else:
                kept = draw(known.view(groups, pairs), k, self.policy, generator, least=least)
                first = torch.arange(0, groups * pairs, pairs, device=like.device)
                indices, scales = (kept.indices + first[:, None]).flatten(), kept.scales.flatten()
        if meter is not None:
            # Groups of unlike draws are filled up with pairs of scale 0, which were not chosen.
            is_filled = groups > 1 and self.policy.name == "bernoulli"
            chosen = indices[scales > 0] if is_filled else indices
            meter.cover(product, chosen, groups * pairs, is_lasting=product in self.lasting)
        return Chosen(
            indices, scales if is_scaled(self.policy) else None, indices.numel() // groups
        )

    def weight_norms(self, anew: Callable[[], Tensor]) -> Tensor:
        """Give the norms of the weight's pairs in the forward product: new ones, or kept ones."""
        every = self.policy.refresh_every
        return anew() if every == 1 or self.memory is None else self.memory.norms(every, anew)

    def count(
        self, product: Product, *, pairs: int, kept: int, exact_macs: int, performed_macs: int
    ) -> None:
        """Tell the meter of a product."""
        if self.meter is not None:
            self.meter.count(product, Multiplied(pairs, kept, exact_macs, performed_macs))

    @property
    def lasting(self) -> frozenset[Product]:
        """The products whose pairs are the same things at every step: features, channels."""
        return EVERY if self.policy.name == "meprop" else LASTING

    @property
    def is_probing(self) -> bool:
        """Whether the exact products are wanted beside the approximate ones."""
        return self.meter is not None and self.meter.probe


def setting(
    policy: Policy | str,
    ratio: float,
    backward_ratio: float,
    min_samples: int,
    generator: torch.Generator | Generators | None,
    meter: Meter | None,
    memory: Memory | None = None,
) -> Setting:
    """Check the keywords that every operation has. Raises RatioError or SpecError."""
    policy = as_policy(policy)
    budget(1, ratio, min_samples)
    budget(1, backward_ratio, min_samples)
    if min_samples < 1:
        raise RatioError(
            f"min_samples is the least number of pairs kept, so at least 1; got {min_samples}"
        )
    if policy.name == "meprop" and ratio != 1:
        raise RatioError(
            "policy 'meprop' samples the gradients alone, by backward_ratio: leave ratio at 1.0; "
            f"got {ratio}"
        )
    each = generator if isinstance(generator, Generators) else Generators(*(generator,) * 3)
    return Setting(policy, ratio, backward_ratio, min_samples, each, meter, memory)


def refuse_meprop(policy: Policy | str, what: str) -> None:
    """Raise SpecError for the policy that only linear layers and convolutions have."""
    if as_policy(policy).name == "meprop":
        raise SpecError.at(
            "",
            f"policy 'meprop' is one of linear layers and convolutions, not of {what}; choose "
            "another policy, or leave it exact",
        )


def norms(t: Tensor, keep: int) -> Tensor:
    """Give ‖t‖ over every dimension but `keep` (0 or 1), in float32 for half types."""
    t = t.to(wide(t.dtype))
    order = storage_order(t)
    if t.dim() > 2 and order[-1] == 1:  # channels last
        t = t.permute(order)
        t = t.flatten(0, -2) if keep == 1 else t.flatten(1)
    elif t.dim() > 2:
        t = t.flatten(1) if keep == 0 else torch.linalg.vector_norm(t.flatten(2), dim=2)
    reduced = 1 - keep
    if t.stride(reduced) == 1:
        along: Tensor = torch.linalg.vector_norm(t, dim=reduced)
        return along
    # Across the rows torch's CPU norm takes ten times as long as along them; a sum of squares
    # does not.
    return (t * t).sum(reduced).sqrt_()


def wide(dtype: torch.dtype) -> torch.dtype:
    """Give the type in which scores of factors of `dtype` are computed."""
    return torch.promote_types(dtype, torch.float32)


def take(t: Tensor, dim: int, indices: Tensor) -> Tensor:
    """Copy slices of t, in its storage. Columns of a matrix stored column by column copy fast."""
    order = storage_order(t)
    if is_turned(order):
        return take(t.permute(order), order.index(dim), indices).permute(back(order))
    return t.index_select(dim, indices)


def spread(
    part: Tensor, dim: int, indices: Tensor, size: int, *, by_columns: bool = False
) -> Tensor:
    """Add the slices of `part` to zeros: what `take` took, put back. Doubled indices add up.

    `by_columns` (matrices only) stores the result column by column.
    """
    if by_columns:
        return spread(part.t(), 1 - dim, indices, size).t()
    order = storage_order(part)
    if part.dim() == 4 and is_turned(order):  # a matrix comes as `by_columns` says
        return spread(part.permute(order), order.index(dim), indices, size).permute(back(order))
    shape = [*part.shape[:dim], size, *part.shape[dim + 1 :]]
    # index_add_ also where no index is doubled: index_copy_ takes longer on a CPU.
    return part.new_zeros(shape).index_add_(dim, indices, part)


def scale(t: Tensor, dim: int, scales: Tensor | None) -> Tensor:
    """Multiply the slices of t by their scales, in the wider type; the result has t's."""
    if scales is None:
        return t
    shape = [1] * t.dim()
    shape[dim] = -1
    return (t * scales.view(shape)).to(t.dtype)


def compute_dtype(x: Tensor, weight: Tensor, bias: Tensor | None) -> torch.dtype:
    """Give the type to multiply in: the factors', or autocast's where that is on.

    Raises ShapeError for factors of unlike types.
    """
    device = x.device.type
    dtypes = [t.dtype for t in (x, weight, bias) if t is not None]
    if torch.is_autocast_enabled(device) and torch.float64 not in dtypes:
        return torch.get_autocast_dtype(device)
    if len(set(dtypes)) > 1:
        names = ", ".join(str(dtype).removeprefix("torch.") for dtype in dtypes)
        raise ShapeError(f"the factors have types {names}; bring them to one type, or use autocast")
    return x.dtype
