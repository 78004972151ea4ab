"""Measure what a study asks for, ratio by ratio.

Every ratio draws from generators of its own, which hang on seed and k alone. So a study that is cut
off and begun again tells the same points, and ratios added later change none. The matrices hang on
the seed alone: studies of one seed measure every method, at every ratio, on the same ones.
"""

import statistics
import time
from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import dataclass, field
from math import prod, sqrt

import torch
from torch import Tensor

from crs_core.events import Points
from crs_core.spec import Policy, StudySpec
from crs_core.study.entries import draw_factors
from crs_core.study.methods import Estimator, estimator
from crs_core.study.pairs import Factors
from crs_core.study.plan import PlannedSize, largest_array, study_plan

CHUNK_ENTRIES = 2**18
"""Draws are computed together while the largest array has no more entries: 2 MiB, which stay in
a cache. What one seed draws hangs on it, so no machine has another."""
TIMED = 5
"""How often a product is made to measure its time; the median counts."""

Generators = Callable[[str], torch.Generator]
"""Gives the generator of a name at its beginning, on the CPU."""


def measure(
    spec: StudySpec,
    generators: Generators,
    *,
    device: torch.device,
    should_stop: Callable[[], bool],
) -> Iterator[Points]:
    """Give the points of each ratio: `step` is k, `epoch` the ratio.

    `should_stop` is asked before every chunk of draws; once true, the points end there.

    Raises SpecError as `study_plan` does.
    """
    plan = study_plan(spec)
    begun_s = time.perf_counter()
    for size in plan.sizes:
        found = _Found()
        for factors, errors, square in _chunks(spec, size.k, generators, device):
            if should_stop():
                return
            found.add(factors, errors, square, spectral_draws=spec.spectral_draws)
        values = found.values() | _known(spec, size, plan.exact_macs)
        values |= _times(spec, size.k, generators, device)
        values["seconds"] = time.perf_counter() - begun_s
        yield Points(step=size.k, epoch=size.ratio, values=values)


def _chunks(
    spec: StudySpec, k: int, generators: Generators, device: torch.device
) -> Iterator[tuple[Factors, Tensor, Tensor | None]]:
    """Give factors (one pair, or as many as draws), errors of D draws and the expected squares."""
    method = estimator(spec, k)
    entries, draws = generators("study/matrices"), generators(f"study/draws/{k}")
    is_one = spec.matrices == "one"
    wanted = 1 if is_one and not method.is_random else spec.draws
    at_once = max(1, CHUNK_ENTRIES // largest_array(spec, k))
    factors: Factors | None = None
    for begin in range(0, wanted, at_once):
        count = min(at_once, wanted - begin)
        if factors is None or not is_one:
            factors = draw_factors(spec, 1 if is_one else count, entries, device)
        yield factors, method.errors(factors, count, draws), method.expected_square(factors)


@dataclass
class _Found:
    """What many draws came to, one number per draw; all relative to ‖A‖_F ‖B‖_F."""

    squares: list[Tensor] = field(default_factory=list)
    expected: list[Tensor] = field(default_factory=list)
    elements: list[Tensor] = field(default_factory=list)
    spectral: list[Tensor] = field(default_factory=list)
    zeros: list[Tensor] = field(default_factory=list)

    def add(
        self, factors: Factors, errors: Tensor, expected: Tensor | None, *, spectral_draws: int
    ) -> None:
        """Take in the errors of some draws, D x rows x columns."""
        norms, draws = factors.norms, len(errors)
        self.squares.append(errors.square().sum((1, 2)) / norms.square())
        self.elements.append(errors.abs().mean((1, 2)) * sqrt(prod(errors.shape[1:])) / norms)
        self.zeros.append(torch.linalg.matrix_norm(factors.product) / norms)
        if expected is not None:
            self.expected.append((expected / norms.square()).expand(draws))
        missing = spectral_draws - sum(map(len, self.spectral))
        if missing > 0:
            largest = torch.linalg.svdvals(errors[:missing])[:, 0]
            self.spectral.append(largest / norms.expand(draws)[:missing])

    def values(self) -> dict[str, float]:
        """Give the metrics over all draws."""
        squares = torch.cat(self.squares)
        errors = squares.sqrt()
        found = {
            "frobenius_error": errors.mean().item(),
            "rms_error": squares.mean().sqrt().item(),
            "element_error": torch.cat(self.elements).mean().item(),
            "zero_error": torch.cat(self.zeros).mean().item(),
        }
        if len(errors) > 1:
            found["frobenius_error_std"] = errors.std().item()
        if self.spectral:
            found["spectral_error"] = torch.cat(self.spectral).mean().item()
        if self.expected:
            expected = torch.cat(self.expected).clamp_min_(0)  # rounding may fall below
            found["expected_error"] = expected.mean().sqrt().item()
            gap = squares - expected
            # Where nothing is left to chance, as at k = n, rounding is all there is to compare.
            if len(gap) > 1 and gap.std() > 1e-12 * squares.mean():
                found["expectation_gap"] = (gap.mean() / gap.std() * sqrt(len(gap))).item()
        return found


def _known(spec: StudySpec, size: PlannedSize, exact_macs: int) -> dict[str, float]:
    """Give what needs no measuring: cost, and the bound where there is one."""
    known = {
        "macs": float(size.macs),
        "compute_reduction": 1 - size.macs / exact_macs,
    }
    match spec.method:
        case Policy(name="nps", replacement=True, scaled=True, exploration=0.0):
            known["error_bound"] = error_bound(spec, size.k)
    return known


def error_bound(spec: StudySpec, k: int) -> float:
    """Give the bound of the mean error of nps with replacement, scaled, whatever the entries.

    1/√k (Drineas, Kannan & Mahoney 2006, Theorem 1). For a convolution at stride 1 √(h w / k): an
    image's entry stands in h w windows at most, so ‖I^[i] * K_[i]‖² <= h w ‖I^[i]‖² ‖K_[i]‖².
    """
    operation = spec.operation
    window = 1 if operation.name == "matmul" else operation.kernel_size**2
    return sqrt(window / k)


def _times(
    spec: StudySpec, k: int, generators: Generators, device: torch.device
) -> dict[str, float]:
    """Measure one approximate product, with its scores and draws, and the exact one.

    They hang on the machine. Factors keep what was once computed of them, hence the copies.
    """
    factors = draw_factors(spec, 1, generators("study/matrices"), device)
    method: Estimator = estimator(spec, k)
    generator = generators("study/timed")
    return {
        "product_seconds": _median_s(lambda: method.once(copy(factors), generator), device),
        "exact_product_seconds": _median_s(factors.exact, device),
    }


def _median_s(make: Callable[[], Tensor], device: torch.device) -> float:
    taken = []
    for _ in range(TIMED + 1):
        begun_s = time.perf_counter()
        make()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        taken.append(time.perf_counter() - begun_s)
    return statistics.median(taken[1:])  # the first one warms up
