"""The alternatives to sampling: unbiased, with the mean square that is said, against slow loops."""

from itertools import pairwise
from math import log2

import pytest
import torch
from torch import Tensor

from crs_core.errors import ShapeError
from crs_core.spec import CountSketch, RandomProjection, RandomWalk, TruncatedSVD
from crs_core.study.count_sketch import sketch
from crs_core.study.matrices import Matrices
from crs_core.study.methods import ALTERNATIVES
from crs_core.study.random_walk import walk
from crs_core.study.svd import truncate
from tests.crs_core.study.conftest import matrices, seeded

NORMAL = RandomProjection()
SIGN = RandomProjection(entries="sign")
SKETCH = CountSketch(buckets_per_pair=3)
WALK = RandomWalk(walks_per_pair=4)
SVD = TruncatedSVD()
RANDOM = [NORMAL, SIGN, SKETCH, WALK]
DRAWS = 20_000


def non_negative(count: int = 1, seed: int = 0) -> Matrices:
    found = matrices(count, seed=seed)
    return Matrices(found.a.abs(), found.b.abs())


def approximate(factors: Matrices, method, k: int, draws: int, seed: int = 0) -> Tensor:
    known = ALTERNATIVES[method.name]
    return known.approximate(factors, k, draws, method, seeded(seed))


@pytest.mark.parametrize("method", RANDOM, ids=repr)
@pytest.mark.parametrize("k", [1, 4])
def test_the_mean_of_many_draws_is_the_product(method, k: int) -> None:
    factors = non_negative()
    found = approximate(factors, method, k, DRAWS)
    error = found.std(0) / DRAWS**0.5
    assert ((found.mean(0) - factors.product[0]).abs() <= 4.5 * error + 1e-12).all()


@pytest.mark.parametrize("method", RANDOM, ids=repr)
@pytest.mark.parametrize("k", [1, 4])
def test_the_mean_square_is_the_expected_one(method, k: int) -> None:
    factors = non_negative()
    found = approximate(factors, method, k, DRAWS, seed=1)
    squares = (factors.product - found).square().sum((1, 2))
    expected = ALTERNATIVES[method.name].expected_square(factors, k, method)
    assert expected.shape == (1,)
    assert abs(squares.mean() - expected[0]) <= 4.5 * squares.std() / DRAWS**0.5


@pytest.mark.parametrize("method", RANDOM, ids=repr)
def test_factors_of_each_draw_are_approximated_each_by_itself(method) -> None:
    """The mean over many draws of three products, each time another draw's factors."""
    each = non_negative(3)
    repeated = Matrices(each.a.repeat(5000, 1, 1), each.b.repeat(5000, 1, 1))
    found = approximate(repeated, method, 3, 15_000).view(5000, 3, 5, 3)
    error = found.std(0) / 5000**0.5
    assert ((found.mean(0) - each.product).abs() <= 4.5 * error + 1e-12).all()
    expected = ALTERNATIVES[method.name].expected_square(each, 3, method)
    squares = (each.product - found).square().sum((2, 3))
    assert ((squares.mean(0) - expected).abs() <= 4.5 * squares.std(0) / 5000**0.5).all()


def test_a_sketch_is_what_hashing_entry_by_entry_gives() -> None:
    factors, k = matrices(), 2
    found = sketch(factors, k, 1, SKETCH, seeded(4))[0]
    g = seeded(4)
    rows, signs = torch.randint(6, (1, 5), generator=g), torch.randint(2, (1, 5), generator=g)
    columns, others = torch.randint(6, (1, 3), generator=g), torch.randint(2, (1, 3), generator=g)
    z = [0.0] * 6
    for i in range(5):
        for j in range(3):
            sign = (2 * int(signs[0, i]) - 1) * (2 * int(others[0, j]) - 1)
            z[int(rows[0, i] + columns[0, j]) % 6] += sign * float(factors.product[0, i, j])
    for i in range(5):
        for j in range(3):
            sign = (2 * int(signs[0, i]) - 1) * (2 * int(others[0, j]) - 1)
            wanted = sign * z[int(rows[0, i] + columns[0, j]) % 6]
            assert float(found[i, j]) == pytest.approx(wanted, abs=1e-12)


def test_the_median_of_sketches_errs_less_often_by_much() -> None:
    factors, five = matrices(), CountSketch(buckets_per_pair=3, repetitions=5)
    assert ALTERNATIVES["count_sketch"].expected_square(factors, 4, five) is None
    one = (approximate(factors, SKETCH, 4, 4000) - factors.product).square().mean()
    median = (approximate(factors, five, 4, 4000) - factors.product).square().mean()
    assert float(median) < 0.6 * float(one)


def test_svd_of_full_rank_is_exact_and_of_less_leaves_out_the_smallest_values() -> None:
    factors = matrices(2)
    torch.testing.assert_close(truncate(factors, 5, 1, SVD, seeded()), factors.product)
    torch.testing.assert_close(truncate(factors, 7, 1, SVD, seeded()), factors.product)
    identity = torch.eye(7, dtype=torch.float64).expand(2, 7, 7)
    alone = Matrices(factors.a, identity)
    for k in range(1, 5):
        error = torch.linalg.matrix_norm(alone.product - truncate(alone, k, 1, SVD, seeded()))
        # Eckart-Young: what is left are the singular values beyond the k-th.
        left = torch.linalg.svdvals(factors.a)[:, k:].square().sum(1).sqrt()
        torch.testing.assert_close(error, left)


@pytest.mark.parametrize("shape", [(0, 7), (5, 0)])
def test_svd_of_a_matrix_without_rows_or_columns_is_refused(shape: tuple[int, int]) -> None:
    factors = Matrices(torch.ones(1, *shape), torch.ones(1, shape[1], 3))
    with pytest.raises(ShapeError, match=rf"a is {shape[0]} x {shape[1]}: a matrix without rows"):
        truncate(factors, 1, 1, SVD, seeded())


@pytest.mark.parametrize("which", ["a", "b"])
def test_a_negative_entry_stops_the_random_walk(which: str) -> None:
    factors = non_negative()
    getattr(factors, which)[0, 2, 1] = -0.25
    text = rf"{which} has a negative entry \(-0.25\); a random walk needs matrices without any"
    with pytest.raises(ShapeError, match=text):
        walk(factors, 2, 3, WALK, seeded())


def test_walks_pass_over_zeros() -> None:
    factors = non_negative()
    factors.a[0, 1] = 0  # no walk has where to go
    factors.a[0, :, 3] = 0
    factors.b[0, 4] = 0
    factors.b[0, :, 2] = 0
    factors.b[0, 6, 0] = 0
    found = approximate(factors, WALK, 3, 5000)
    assert torch.isfinite(found).all()
    assert (found[:, 1] == 0).all()
    assert (found[:, :, 2] == 0).all()
    error = found.std(0) / 5000**0.5
    assert ((found.mean(0) - factors.product[0]).abs() <= 4.5 * error + 1e-12).all()


def test_walks_never_end_where_the_product_is_zero() -> None:
    a, b = torch.zeros(1, 2, 3).double(), torch.zeros(1, 3, 4).double()
    a[0, 0, 1], a[0, 1, 2], b[0, 1, 0], b[0, 1, 3], b[0, 2, 1] = 2.0, 1.0, 1.0, 3.0, 5.0
    found = walk(Matrices(a, b), 50, 200, WALK, seeded())
    assert (found[:, (a @ b)[0] == 0] == 0).all()
    torch.testing.assert_close(found[:, 1, 1], torch.full((200,), 5.0).double())


@pytest.mark.parametrize("method", [*RANDOM, SVD], ids=repr)
def test_a_single_pair_row_and_column_are_no_special_case(method) -> None:
    factors = Matrices(torch.full((1, 1, 1), 2.0).double(), torch.full((1, 1, 1), 3.0).double())
    found = approximate(factors, method, 1, 3)
    assert torch.isfinite(found).all()
    if method not in (NORMAL,):
        torch.testing.assert_close(found, torch.full_like(found, 6.0))


@pytest.mark.parametrize("method", RANDOM, ids=repr)
def test_one_seed_gives_one_result(method) -> None:
    one, two = (approximate(non_negative(), method, 2, 3, seed=9) for _ in range(2))
    assert torch.equal(one, two)
    assert not torch.equal(one, approximate(non_negative(), method, 2, 3, seed=8))


def test_twice_the_buckets_halve_the_mean_square() -> None:
    factors = matrices()
    found = [
        float(ALTERNATIVES["count_sketch"].expected_square(factors, k, SKETCH)) for k in (2, 4, 8)
    ]
    assert [log2(a / b) for a, b in pairwise(found)] == [1, 1]
