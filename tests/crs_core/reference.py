"""Slow and obviously right: each kept pair is multiplied by itself, each scale where it is said.

A scale factor, a pair or a sum is never shared between products here, unlike in `crs_core.ops`.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from crs_core.cost import budget
from crs_core.ops import Generators
from crs_core.sampling import sample
from crs_core.spec import Policy

# Tensors this small only lose by threads, and on a busy machine wait for each other.
torch.set_num_threads(1)

POLICIES = [
    Policy(name="topk"),
    Policy(name="bernoulli"),
    Policy(name="wta"),
    Policy(name="topk", coverage=0.7),
    Policy(name="bernoulli", exploration=0.3),
    *(
        Policy(name=name, replacement=replacement, scaled=scaled)  # type: ignore[arg-type]
        for name in ("nps", "uniform")
        for replacement in (False, True)
        for scaled in (False, True)
    ),
]
UNBIASED = [
    p
    for p in POLICIES
    if p.name in ("bernoulli", "wta") or (p.scaled and (p.replacement or p.name == "uniform"))
]


def label(policy: Policy) -> str:
    set_ = policy.model_dump(exclude_defaults=True, exclude={"name"})
    words = [name if value is True else f"{name}{value}" for name, value in set_.items()]
    return "+".join([policy.name, *words])


def generators(seed: int = 0) -> Generators:
    return Generators(*(torch.Generator().manual_seed(seed + i) for i in range(3)))


@dataclass(frozen=True)
class How:
    policy: Policy
    ratio: float
    backward_ratio: float
    min_samples: int = 1
    seed: int = 0

    def keywords(self) -> dict[str, object]:
        return {**vars(self), "generator": generators(self.seed)} | {"seed": None}

    def kept(self, product: str, scores: Tensor) -> list[tuple[int, float]]:
        """The pairs (index, scale) of one group."""
        n = scores.numel()
        k = budget(n, self.ratio if product == "forward" else self.backward_ratio, self.min_samples)
        if k == n:
            return [(i, 1.0) for i in range(n)]
        g = getattr(generators(self.seed), product)
        drawn = sample(scores, k, self.policy, least=self.min_samples, generator=g)
        return list(zip(drawn.indices.tolist(), drawn.scales.tolist(), strict=True))

    def kept_in_groups(self, product: str, scores: Tensor) -> list[tuple[int, float]]:
        """The pairs of groups x pairs scores, numbered through all groups."""
        groups, n = scores.shape
        if groups == 1:
            return self.kept(product, scores[0])
        k = budget(n, self.ratio if product == "forward" else self.backward_ratio, self.min_samples)
        if k == n:
            return [(i, 1.0) for i in range(groups * n)]
        g = getattr(generators(self.seed), product)
        drawn = sample(scores, k, self.policy, least=self.min_samples, generator=g)
        return [
            (q * n + i, scale)
            for q in range(groups)
            for i, scale in zip(drawn.indices[q].tolist(), drawn.scales[q].tolist(), strict=True)
        ]


@dataclass(frozen=True)
class Answer:
    y: Tensor
    dx: Tensor
    dw: Tensor


def slow_linear(x: Tensor, w: Tensor, dy: Tensor, how: How) -> Answer:
    """X is B x n, W is o x n, dY is B x o."""
    forward = how.kept(
        "forward", torch.stack([a.norm() * b.norm() for a, b in zip(x.T, w.T, strict=True)])
    )
    y = torch.zeros_like(dy)
    for i, sigma in forward:
        y += sigma * torch.outer(x[:, i], w[:, i])

    columns = [i for i, _ in forward]
    sigmas = torch.tensor([s for _, s in forward], dtype=x.dtype)
    xs, ws = x[:, columns] * sigmas, w[:, columns] * sigmas
    outputs = how.kept(
        "grad_input", torch.stack([a.norm() * b.norm() for a, b in zip(dy.T, ws, strict=True)])
    )
    examples = how.kept(
        "grad_weight", torch.stack([a.norm() * b.norm() for a, b in zip(dy, xs, strict=True)])
    )
    dx, dw = torch.zeros_like(x), torch.zeros_like(w)
    for i, sigma in forward:
        for j, rho in outputs:
            dx[:, i] += rho * dy[:, j] * sigma * w[j, i]
        for b, tau in examples:
            dw[:, i] += tau * dy[b] * sigma * x[b, i]
    return Answer(y, dx, dw)


@dataclass(frozen=True)
class Place:
    """How kernels move over one channel, padded already."""

    stride: tuple[int, int] = (1, 1)
    sides: tuple[int, int, int, int] = (0, 0, 0, 0)
    mode: str = "constant"
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1

    def convolve(self, channel: Tensor, kernel: Tensor) -> Tensor:
        """N x 1 x H x W with 1 x 1 x kh x kw."""
        padded = F.pad(channel, self.sides, self.mode) if any(self.sides) else channel
        return F.conv2d(padded, kernel, None, self.stride, 0, self.dilation)


def slow_conv2d(x: Tensor, w: Tensor, dy: Tensor, place: Place, how: How) -> Answer:
    """One channel, one kernel at a time; gradients by differentiating that little product."""
    g, per_group, outs = place.groups, w.shape[1], w.shape[0] // place.groups
    scores = torch.stack(
        [
            x[:, q * per_group + i].norm() * w[q * outs : (q + 1) * outs, i].norm()
            for q in range(g)
            for i in range(per_group)
        ]
    ).view(g, per_group)
    forward = how.kept_in_groups("forward", scores)
    y = torch.zeros_like(dy)
    for c, sigma in forward:
        q, i = divmod(c, per_group)
        for o in range(q * outs, (q + 1) * outs):
            y[:, o] += sigma * place.convolve(x[:, c : c + 1], w[o : o + 1, i : i + 1])[:, 0]

    def factors(o: int) -> Tensor:
        q = o // outs
        mine = [(c, s) for c, s in forward if c // per_group == q]
        return (
            torch.stack([s * w[o, c % per_group] for c, s in mine]).norm()
            if mine
            else w.new_zeros(())
        )

    out_scores = torch.stack([dy[:, o].norm() * factors(o) for o in range(w.shape[0])])
    outputs = how.kept_in_groups("grad_input", out_scores.view(g, outs))
    # The factor as it is multiplied: padded.
    padded = F.pad(x, place.sides, place.mode) if any(place.sides) else x
    size = [
        torch.stack([s * padded[b, c] for c, s in forward]).norm() if forward else x.new_zeros(())
        for b in range(x.shape[0])
    ]
    examples = how.kept(
        "grad_weight", torch.stack([dy[b].norm() * size[b] for b in range(x.shape[0])])
    )
    dx, dw = torch.zeros_like(x), torch.zeros_like(w)
    for c, sigma in forward:
        q, i = divmod(c, per_group)
        for o, rho in outputs:
            if o // outs == q:
                dx[:, c] += (
                    rho
                    * sigma
                    * _pull(place, x[:, c : c + 1], w[o : o + 1, i : i + 1], dy[:, o : o + 1])[0][
                        :, 0
                    ]
                )
        for b, tau in examples:
            for o in range(q * outs, (q + 1) * outs):
                dw[o, i] += (
                    tau
                    * sigma
                    * _pull(
                        place,
                        x[b : b + 1, c : c + 1],
                        w[o : o + 1, i : i + 1],
                        dy[b : b + 1, o : o + 1],
                    )[1][0, 0]
                )
    return Answer(y, dx, dw)


def _pull(place: Place, channel: Tensor, kernel: Tensor, dy: Tensor) -> tuple[Tensor, Tensor]:
    channel, kernel = channel.clone().requires_grad_(), kernel.clone().requires_grad_()
    dx, dw = torch.autograd.grad(place.convolve(channel, kernel), (channel, kernel), dy)
    return dx, dw
