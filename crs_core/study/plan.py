"""What a study does and costs, before it is run: k for each ratio, and multiply-accumulates (MACs).

For the policies the MACs are those of the sampled product alone, as in all of this project: scores
and draws are not counted, m k p of m n p remain. The alternatives transform their inputs at every
product, and that is counted with them:

    random_projection   m n k + n k p for A R and Rᵀ B, then m k p
    svd                 the factorization of A, then k n p + m k p. A singular value decomposition
                        with both sets of vectors takes, of an r x c matrix with r >= c, the lesser
                        of 14 r c² + 8 c³ and 6 r c² + 20 c³ operations (Golub & Van Loan, Matrix
                        Computations, section 8.6), half as many MACs. torch computes all of it
                        whatever k is; iterative methods for few singular values are not counted
    count_sketch        per sketch and pair: m + p signed additions, two real transforms of b log₂ b
                        MACs (half the butterflies of a complex one, 4 MACs each), 2 b for their
                        product; then one transform back, and m p entries to read
    random_walk         2 (m n + n p) for sums and cumulative sums; a walk takes log₂ n + log₂ p
                        comparisons and an addition, counted as a MAC each

Fewer MACs are not less time: seconds are measured beside them.
"""

from dataclasses import dataclass
from itertools import pairwise
from math import ceil, log2

from crs_core.cost import Cost, budget
from crs_core.errors import SpecError
from crs_core.spec import (
    CountSketch,
    MatrixProduct,
    Policy,
    RandomProjection,
    RandomWalk,
    StudySpec,
    TruncatedSVD,
)

MAX_ENTRIES = 2**27
"""Of one matrix, sketch or set of walks: 1 GiB of numbers."""


@dataclass(frozen=True)
class PlannedSize:
    """One ratio of a study. `macs` are those of one approximate product."""

    ratio: float
    k: int
    macs: int


@dataclass(frozen=True)
class StudyPlan:
    """`pairs` is n, the number there are; `exact_macs` those of the exact product."""

    pairs: int
    exact_macs: int
    sizes: tuple[PlannedSize, ...]


def study_plan(spec: StudySpec) -> StudyPlan:
    """Give k and MACs of every ratio.

    Raises SpecError where two ratios keep the same number of pairs, or a matrix is too large.
    """
    pairs = _pairs(spec)
    counts = [budget(pairs, ratio, 1) for ratio in spec.ratios]
    for place, (k, after) in enumerate(pairwise(counts), start=1):
        if k == after:
            raise SpecError.at(
                "ratios",
                f"{spec.ratios[place - 1]:g} and {spec.ratios[place]:g} both keep {k} of {pairs} "
                "pairs; leave one of the two out",
            )
    largest = largest_array(spec, counts[-1])
    if largest > MAX_ENTRIES:
        raise SpecError.at(
            "operation",
            f"the largest array of this study has {largest:,} entries; give sizes (or ratios, or "
            f"`method`) that keep it at {MAX_ENTRIES:,} at most",
        )
    sizes = tuple(
        PlannedSize(ratio, k, _macs(spec, k)) for ratio, k in zip(spec.ratios, counts, strict=True)
    )
    return StudyPlan(pairs, _product_macs(spec, pairs), sizes)


def study_cost(spec: StudySpec) -> Cost:
    """Give the MACs of all draws of all ratios beside those of as many exact products.

    The last step is the largest k, and an epoch has n, so that `epoch` is the share of pairs.
    Raises SpecError as `study_plan` does.
    """
    plan = study_plan(spec)
    return Cost(
        exact_macs=spec.draws * len(plan.sizes) * plan.exact_macs,
        planned_macs=spec.draws * sum(size.macs for size in plan.sizes),
        steps=plan.sizes[-1].k,
        steps_per_epoch=plan.pairs,
        layers=(),
    )


def _pairs(spec: StudySpec) -> int:
    return spec.operation.n if spec.operation.name == "matmul" else spec.operation.channels


def _product_macs(spec: StudySpec, k: int) -> int:
    """Count the product of k pairs."""
    match spec.operation:
        case MatrixProduct(m=m, p=p):
            return m * k * p
        case conv:
            positions = conv.batch * conv.output_size**2
            return positions * k * conv.kernel_size**2 * conv.filters


def _macs(spec: StudySpec, k: int) -> int:
    method, operation = spec.method, spec.operation
    if isinstance(method, Policy):
        return _product_macs(spec, _pairs(spec) if method.name == "exact" else k)
    assert isinstance(operation, MatrixProduct), "the spec refuses the others"
    m, n, p = operation.m, operation.n, operation.p
    match method:
        case RandomProjection():
            return m * n * k + n * k * p + m * k * p
        case TruncatedSVD():
            rank, r, c = min(k, m), max(m, n), min(m, n)
            factorization = min(14 * r * c**2 + 8 * c**3, 6 * r * c**2 + 20 * c**3) // 2
            return factorization + rank * n * p + m * rank * p
        case CountSketch(repetitions=repetitions):
            buckets = k * method.buckets_per_pair
            transform = ceil(buckets * log2(max(buckets, 2)))
            one = n * (m + p + 2 * transform + 2 * buckets) + transform + m * p
            return repetitions * one
        case RandomWalk():
            steps = ceil(log2(max(n, 2)) + log2(max(p, 2))) + 1
            return 2 * (m * n + n * p) + m * k * method.walks_per_pair * steps


def largest_array(spec: StudySpec, k: int) -> int:
    """Count the entries of the largest array that one draw of k pairs needs."""
    operation, method = spec.operation, spec.method
    if operation.name == "conv2d":
        images = operation.batch * operation.channels * operation.image_size**2
        own = operation.batch * operation.output_size**2 * operation.filters * operation.channels
        return max(images, own, operation.filters * operation.channels * operation.kernel_size**2)
    m, n, p = operation.m, operation.n, operation.p
    extra = 0
    match method:
        case RandomProjection():
            extra = max(n, m, p) * k
        case CountSketch():
            extra = 2 * n * k * method.buckets_per_pair
        case RandomWalk():
            extra = m * k * method.walks_per_pair
    return max(m * n, n * p, m * p, extra)
