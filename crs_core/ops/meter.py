"""Count what the approximate operations of one layer really do.

A `Meter` is handed to an operation, which tells it of every product it multiplies: pairs kept,
MACs, the time that scoring and choosing took, which pairs were chosen. Nothing waits for the
device on the way; what must be read from it is read in `rows`, `sampling_seconds` and
`state_dict`.
"""

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

import torch
from torch import Tensor

from crs_core.errors import CheckpointError
from crs_core.events import LayerRow, Product
from crs_core.spec import Policy

PRODUCTS: tuple[Product, ...] = get_args(Product)

_MAX_PENDING = 512


@dataclass
class _Tally:
    """What was done of one product so far."""

    calls: int = 0
    sampled_calls: int = 0
    pairs: int = 0
    kept: int = 0
    exact_macs: int = 0
    performed_macs: int = 0
    seconds: float = 0.0
    chosen: Tensor | None = None
    """Coverage: per pair (of all groups), whether it was ever chosen. On the operation's device."""
    error: Tensor | None = None


@dataclass(frozen=True)
class Multiplied:
    """One product that was multiplied."""

    pairs: int
    """Pairs there are, in each group."""
    kept: int
    """Pairs multiplied, in each group; a pair drawn twice counts twice."""
    exact_macs: int
    """MACs of the same product in the exact layer."""
    performed_macs: int


class Meter:
    """Sums over the products of one layer. Plain data: it can be copied, pickled and checkpointed.

    While `probe` is true the operations also measure the relative Frobenius error of each product
    against the exact one, ‖Z − Z̃‖ / ‖Z‖, on the batch at hand: for `grad_input` and
    `grad_weight` against the exact gradient of the same dY, so that the pairs dropped forward
    count too. That costs the exact products, which are not counted as performed, and draws
    nothing.
    """

    def __init__(self) -> None:
        self.probe = False
        self._tallies: dict[Product, _Tally] = {p: _Tally() for p in PRODUCTS}
        self._pending: list[tuple[Product, torch.cuda.Event, torch.cuda.Event]] = []

    # -- told by the operations -------------------------------------------------------------------

    def count(self, product: Product, done: Multiplied) -> None:
        """Add one multiplied product, exact or sampled."""
        tally = self._tallies[product]
        tally.calls += 1
        tally.pairs = done.pairs
        tally.kept += done.kept
        tally.exact_macs += done.exact_macs
        tally.performed_macs += done.performed_macs

    def cover(self, product: Product, chosen: Tensor, pairs: int, *, is_lasting: bool) -> None:
        """Mark pairs as chosen, out of `pairs`; both run over all groups.

        Pairs that do not last (the examples of a batch) are not marked, only counted as sampled.
        """
        tally = self._tallies[product]
        tally.sampled_calls += 1
        if not is_lasting:
            return
        if tally.chosen is None or tally.chosen.numel() != pairs:
            tally.chosen = torch.zeros(pairs, dtype=torch.bool, device=chosen.device)
        elif tally.chosen.device != chosen.device:
            tally.chosen = tally.chosen.to(chosen.device)
        tally.chosen.index_fill_(0, chosen.flatten(), value=True)

    def compare(self, product: Product, approximate: Tensor, exact: Tensor) -> None:
        """Keep the relative Frobenius error of a product."""
        norm = torch.linalg.vector_norm
        wide = torch.promote_types(exact.dtype, torch.float32)
        exact = exact.to(wide)
        size = norm(exact).clamp_min(torch.finfo(wide).tiny)
        self._tallies[product].error = norm(approximate.to(wide) - exact) / size

    def clock(self, product: Product, device: torch.device) -> "_Clock":
        """Give a context whose time is added to the product's seconds in sampling."""
        return _CudaClock(self, product) if device.type == "cuda" else _Clock(self, product)

    def add_seconds(self, product: Product, seconds: float) -> None:
        """Add time spent in sampling."""
        self._tallies[product].seconds += seconds

    def add_pending(self, product: Product, begin: torch.cuda.Event, end: torch.cuda.Event) -> None:
        """Add time spent in sampling that the device will know once it gets there."""
        self._pending.append((product, begin, end))
        if len(self._pending) >= _MAX_PENDING:
            self._settle()

    # -- asked by the engine ----------------------------------------------------------------------

    @property
    def exact_macs(self) -> int:
        """MACs that the exact layer would have performed, all three products."""
        return sum(t.exact_macs for t in self._tallies.values())

    @property
    def performed_macs(self) -> int:
        """MACs really performed, all three products."""
        return sum(t.performed_macs for t in self._tallies.values())

    def sampling_seconds(self) -> float:
        """Give the seconds spent in scoring and choosing pairs. Waits for the device."""
        self._settle()
        return sum(t.seconds for t in self._tallies.values())

    def rows(
        self, layer: str, policy: Policy, ratio: float, backward_ratio: float
    ) -> tuple[LayerRow, ...]:
        """Give one row per product that was multiplied at least once. Waits for the device."""
        return tuple(
            LayerRow(
                layer=layer,
                product=product,
                policy=policy.name if tally.sampled_calls else "exact",
                ratio=ratio if product == "forward" else backward_ratio,
                pairs=tally.pairs,
                kept=tally.kept / tally.calls,
                exact_macs=tally.exact_macs,
                performed_macs=tally.performed_macs,
                never_kept=None
                if tally.chosen is None
                else 1.0 - float(tally.chosen.float().mean()),
                error=None if tally.error is None else float(tally.error),
            )
            for product, tally in self._tallies.items()
            if tally.calls
        )

    def state_dict(self) -> dict[str, Any]:
        """Give everything as plain numbers and CPU tensors, for a checkpoint."""
        self._settle()
        return {
            product: {
                name: value.cpu().clone() if isinstance(value, Tensor) else value
                for name, value in vars(tally).items()
            }
            for product, tally in self._tallies.items()
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state_dict` gave. Raises CheckpointError when it was not a meter's."""
        fields = set(vars(_Tally()))
        if set(state) != set(PRODUCTS) or any(set(s) != fields for s in state.values()):
            raise CheckpointError(
                f"this is not the state of a meter: it holds {sorted(map(str, state))}, "
                f"but {list(PRODUCTS)} are needed, each with {sorted(fields)}"
            )
        self._pending.clear()
        for product, tally in self._tallies.items():
            for name, value in state[product].items():
                setattr(tally, name, value.clone() if isinstance(value, Tensor) else value)

    def __getstate__(self) -> dict[str, Any]:
        return {"probe": self.probe, "tallies": self.state_dict()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.probe = state["probe"]
        self._pending = []
        self._tallies = {p: _Tally() for p in PRODUCTS}
        self.load_state_dict(state["tallies"])

    def _settle(self) -> None:
        for product, begin, end in self._pending:
            end.synchronize()
            self._tallies[product].seconds += begin.elapsed_time(end) / 1000
        self._pending.clear()


def together(states: Sequence[Mapping[str, Any]], *, divided: Collection[Product]) -> Meter:
    """Give the meter of several devices that share the work of a layer, from the states of theirs.

    MACs are added up. The pairs of `divided` products are examples, which the devices have divided
    among them: one product is then that of all devices, and pairs and kept ones are added up. Of
    others (features, channels) each device has all: a mean is taken, and a pair is covered when any
    device chose it. Seconds and errors are means.
    """
    made: dict[str, Any] = {
        product: vars(
            _together([_Tally(**state[product]) for state in states], is_divided=product in divided)
        )
        for product in PRODUCTS
    }
    meter = Meter()
    meter.load_state_dict(made)
    return meter


def _together(tallies: Sequence[_Tally], *, is_divided: bool) -> _Tally:
    chosen = [t.chosen for t in tallies if t.chosen is not None]
    errors = [t.error for t in tallies if t.error is not None]
    return _Tally(
        calls=tallies[0].calls if is_divided else sum(t.calls for t in tallies),
        sampled_calls=sum(t.sampled_calls for t in tallies),
        pairs=sum(t.pairs for t in tallies) if is_divided else tallies[0].pairs,
        kept=sum(t.kept for t in tallies),
        exact_macs=sum(t.exact_macs for t in tallies),
        performed_macs=sum(t.performed_macs for t in tallies),
        seconds=sum(t.seconds for t in tallies) / len(tallies),
        chosen=torch.stack(chosen).any(0) if chosen else None,
        error=torch.stack(errors).mean() if errors else None,
    )


@dataclass
class _Clock:
    """Time a block by the host's clock."""

    meter: Meter
    product: Product
    _start: float = field(default=0.0, init=False)

    def __enter__(self) -> None:
        self._start = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self.meter.add_seconds(self.product, time.perf_counter() - self._start)


def _event() -> torch.cuda.Event:
    return torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]


@dataclass
class _CudaClock(_Clock):
    """Time a block by the device's own events, without waiting for it."""

    _begin: torch.cuda.Event | None = field(default=None, init=False)

    def __enter__(self) -> None:
        self._begin = _event()
        self._begin.record()

    def __exit__(self, *_: object) -> None:
        end = _event()
        end.record()
        assert self._begin is not None
        self.meter.add_pending(self.product, self._begin, end)
