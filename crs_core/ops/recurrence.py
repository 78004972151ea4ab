"""The time steps of an approximate LSTM layer, forward and backward.

The formulas stand at the head of `crs_core.ops.lstm`. Here W is c x o, stored so that a column of
[x, h] meets a row of it, which is quick to copy.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from crs_core.cost import GATES
from crs_core.events import Product
from crs_core.ops.choice import Chosen, Setting, norms, scale, spread, wide
from crs_core.spec import Gate


@dataclass(frozen=True)
class Run:
    """What stays the same over the time steps."""

    how: Setting
    chosen: tuple[Gate, ...]
    """Gates that are sampled, in torch's order."""
    hidden: int
    dtype: torch.dtype
    """In which is multiplied; what is element by element is in a wider one."""

    def join(self, sampled: Tensor, exact: Tensor | None) -> Tensor:
        """Give all gates in torch's order from those that were sampled and the others."""
        if exact is None:
            return sampled
        parts = {
            g: iter(t.chunk(t.shape[1] // self.hidden, 1))
            for g, t in ((True, sampled), (False, exact))
        }
        return torch.cat([next(parts[g in self.chosen]) for g in GATES], 1)

    def part(self, z: Tensor) -> tuple[Tensor, Tensor | None]:
        """Give the gates that are sampled, and the others: what `join` joined."""
        if self.chosen == GATES:
            return z, None
        by_gate = dict(zip(GATES, z.chunk(len(GATES), 1), strict=True))
        others = [by_gate[g] for g in GATES if g not in self.chosen]
        return torch.cat([by_gate[g] for g in self.chosen], 1), torch.cat(others, 1)

    def count(self, product: Product, x: Tensor, *, pairs: int, kept: int, macs: int) -> None:
        """Tell the meter of one time step; the products of exact gates come on top."""
        sampled = len(self.chosen) * self.hidden
        of_output = x.shape[0] * x.shape[1]
        beside = of_output * (len(GATES) * self.hidden - sampled)
        self.how.count(
            product,
            pairs=pairs,
            kept=kept,
            exact_macs=of_output * sampled + beside,
            performed_macs=macs + beside,
        )


class UnrolledLSTM(torch.autograd.Function):
    """One call for all time steps: x, h, c, W of sampled gates, of others, bias, `Run`."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        h: Tensor,
        c: Tensor,
        weight: Tensor,
        exact: Tensor | None,
        bias: Tensor | None,
        run: Run,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Give the outputs of all steps, and h and c behind the last."""
        steps, batch, features = x.shape
        columns, dtype = weight.shape[0], run.dtype
        ctx.dtypes = [None if t is None else t.dtype for t in (x, h, c, weight, exact, bias)]
        with torch.autocast(x.device.type, enabled=False):
            weight = weight.to(dtype)
            exact = None if exact is None else exact.to(dtype)
            xh = x.new_empty(steps, batch, columns, dtype=dtype)
            xh[:, :, :features] = x
            gates = x.new_empty(steps, batch, len(GATES) * run.hidden, dtype=wide(dtype))
            cells = gates.new_empty(steps + 1, batch, run.hidden)
            cells[0] = c
            y = xh.new_empty(steps, batch, run.hidden)
            weight_norms = run.how.weight_norms(lambda: norms(weight, 0))
            kept: list[Chosen | None] = []
            for t in range(steps):
                xh[t, :, features:] = h if t == 0 else y[t - 1]
                chosen, z = _product(run, xh[t], weight, weight_norms, probe=t == steps - 1)
                kept.append(chosen)
                z = run.join(z, None if exact is None else xh[t] @ exact)
                i, f, g, o = (z if bias is None else z + bias).to(gates.dtype).chunk(4, 1)
                torch.cat([i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()], 1, out=gates[t])
                i, f, g, o = gates[t].chunk(4, 1)
                cells[t + 1] = f * cells[t] + i * g
                y[t] = o * cells[t + 1].tanh()
        ctx.run, ctx.kept, ctx.features = run, kept, features
        ctx.save_for_backward(xh, weight, exact, gates, cells)
        return y, y[-1].clone(), cells[-1].clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: Tensor, dh: Tensor, dc: Tensor) -> tuple[Tensor | None, ...]:
        """Give the gradients, from the last step to the first."""
        run: Run = ctx.run
        xh, weight, exact, gates, cells = ctx.saved_tensors
        steps = len(xh)
        dx = torch.empty_like(xh[:, :, : ctx.features])
        dz = torch.empty_like(gates)
        dweight = torch.zeros_like(weight)
        dh, dc = dh.to(gates.dtype), dc.to(gates.dtype)
        for t in reversed(range(steps)):
            i, f, g, o = gates[t].chunk(4, 1)
            squashed = cells[t + 1].tanh()
            dh = dh + dy[t]
            dc = dc + dh * o * (1 - squashed * squashed)
            di, df, dg = dc * g * i * (1 - i), dc * cells[t] * f * (1 - f), dc * i * (1 - g * g)
            torch.cat([di, df, dg, dh * squashed * o * (1 - o)], 1, out=dz[t])
            dc = dc * f
            sampled, others = run.part(dz[t].to(xh.dtype))
            probe = t == steps - 1
            dxh = _grad_input(run, ctx.kept[t], sampled, xh[t], weight, probe=probe)
            if others is not None:
                dxh = dxh + others @ exact.t()
            _add_grad_weight(run, ctx.kept[t], sampled, xh[t], dweight, probe=probe)
            dx[t] = dxh[:, : ctx.features]
            dh = dxh[:, ctx.features :].to(gates.dtype)
        dexact = None
        if exact is not None:
            others = run.part(dz.flatten(0, 1).to(xh.dtype))[1]
            assert others is not None
            dexact = xh.flatten(0, 1).t() @ others
        dbias = dz.sum((0, 1)) if ctx.needs_input_grad[5] else None
        grads = (dx, dh, dc, dweight, dexact, dbias)
        return (
            *(
                None if grad is None else grad.to(dtype)
                for grad, dtype in zip(grads, ctx.dtypes, strict=True)
            ),
            None,
        )


def _product(
    run: Run, xh: Tensor, weight: Tensor, weight_norms: Tensor, *, probe: bool
) -> tuple[Chosen | None, Tensor]:
    """Multiply one time step's X with W, c x o, and give what was kept of c."""
    columns, outputs = weight.shape
    kept = run.how.choose("forward", columns, xh, lambda: norms(xh, 1) * weight_norms)
    xs, ws = (xh, weight) if kept is None else (kept.take_scaled(xh, 1), kept.take(weight, 0))
    z = xs @ ws
    k = xs.shape[1]
    run.count("forward", xh, pairs=columns, kept=k, macs=len(xh) * k * outputs)
    if probe and kept is not None and run.how.is_probing:
        assert run.how.meter is not None
        run.how.meter.compare("forward", z, xh @ weight)
    return kept, z


def _grad_input(
    run: Run, kept: Chosen | None, dz: Tensor, xh: Tensor, weight: Tensor, *, probe: bool
) -> Tensor:
    """Give dX of one time step."""
    outputs = weight.shape[1]
    ws = weight if kept is None else kept.take(weight, 0)
    scales = None if kept is None else kept.scales
    chosen = run.how.choose(
        "grad_input", outputs, dz, lambda: norms(dz, 1) * norms(scale(ws, 0, scales), 1)
    )
    dxs = dz @ ws.t() if chosen is None else chosen.take_scaled(dz, 1) @ chosen.take(ws, 1).t()
    dxs = scale(dxs, 1, scales)
    k, k_out = ws.shape[0], outputs if chosen is None else chosen.count
    run.count("grad_input", xh, pairs=outputs, kept=k_out, macs=len(dz) * k * k_out)
    dx = dxs if kept is None else spread(dxs, 1, kept.indices, xh.shape[1])
    if probe and run.how.is_probing:
        assert run.how.meter is not None
        run.how.meter.compare("grad_input", dx, dz @ weight.t())
    return dx


def _add_grad_weight(
    run: Run, kept: Chosen | None, dz: Tensor, xh: Tensor, total: Tensor, *, probe: bool
) -> None:
    """Add dW of one time step, c x o, to the sum over all of them."""
    xs, full = xh if kept is None else kept.take_scaled(xh, 1), dz
    chosen = run.how.choose("grad_weight", len(dz), dz, lambda: norms(dz, 0) * norms(xs, 0))
    if chosen is not None:
        dz, xs = chosen.take_scaled(dz, 0), chosen.take(xs, 0)
    dws = xs.t() @ dz
    if kept is None:
        total += dws
    else:
        total.index_add_(0, kept.indices, dws)
    k, k_examples = xs.shape[1], len(dz)
    run.count(
        "grad_weight",
        xh,
        pairs=len(xh),
        kept=k_examples,
        macs=k_examples * k * dz.shape[1],
    )
    if probe and run.how.is_probing:
        assert run.how.meter is not None
        dw = dws if kept is None else spread(dws, 0, kept.indices, xh.shape[1])
        run.how.meter.compare("grad_weight", dw, xh.t() @ full)
