"""Pairs of matrix products and of convolutions, against loops over each pair."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from crs_core.errors import ShapeError
from crs_core.study.channels import Channels
from crs_core.study.matrices import Matrices
from tests.crs_core.study.conftest import channels, matrices, seeded

WEIGHTS = torch.tensor([[1.0, 0, 2, 0.5, 0, -1, 3], [0, 1, 1, 0, 0, 0, 2]], dtype=torch.float64)


def terms(factors: Matrices | Channels, at: int) -> list[Tensor]:
    """Each pair's own product, of the factors at `at`, as a matrix."""
    if isinstance(factors, Matrices):
        a, b = factors.a[at], factors.b[at]
        return [torch.outer(a[:, i], b[i]) for i in range(7)]
    images, kernels = factors.images[at], factors.kernels[at]
    found = [
        F.conv2d(images[:, i : i + 1], kernels[:, i : i + 1], padding=factors.padding)
        for i in range(7)
    ]
    return [t.flatten(2).transpose(1, 2).flatten(0, 1) for t in found]


FACTORS = {
    "matrices": matrices,
    "channels": channels,
    "unpadded channels": lambda count=1: channels(count, padding=0),
}


@pytest.mark.parametrize("make", FACTORS.values(), ids=FACTORS)
@pytest.mark.parametrize("count", [1, 2])
def test_weighted_products_are_sums_over_pairs(make, count: int) -> None:
    factors = make(count)
    found = factors.weighted(WEIGHTS)
    for d, weights in enumerate(WEIGHTS):
        own = terms(factors, d if count > 1 else 0)
        wanted = sum(w * t for w, t in zip(weights, own, strict=True))
        torch.testing.assert_close(found[d], wanted)


@pytest.mark.parametrize("make", FACTORS.values(), ids=FACTORS)
def test_the_exact_product_has_every_pair_once(make) -> None:
    factors = make(2)
    for d in range(2):
        torch.testing.assert_close(factors.exact()[d], sum(terms(factors, d)))
        torch.testing.assert_close(factors.product[d], factors.exact()[d])


@pytest.mark.parametrize("make", FACTORS.values(), ids=FACTORS)
def test_own_norms_are_those_of_each_pairs_product(make) -> None:
    factors = make(2)
    for d in range(2):
        wanted = torch.stack([torch.linalg.matrix_norm(t) for t in terms(factors, d)])
        torch.testing.assert_close(factors.own_norms[d], wanted)


def test_scores_are_products_of_norms() -> None:
    m, c = matrices(2), channels(2)
    for d in range(2):
        for i in range(7):
            wanted = m.a[d, :, i].norm() * m.b[d, i].norm()
            torch.testing.assert_close(m.scores[d, i], wanted)
            wanted = c.images[d, :, i].norm() * c.kernels[d, :, i].norm()
            torch.testing.assert_close(c.scores[d, i], wanted)
        torch.testing.assert_close(m.norms[d], m.a[d].norm() * m.b[d].norm())
        torch.testing.assert_close(c.norms[d], c.images[d].norm() * c.kernels[d].norm())


def bracket(images: Tensor, kernels: Tensor, padding: int) -> float:
    """The bracket of Eq. 7 for one channel: squares and mixed products over every window."""
    padded = F.pad(images, [padding] * 4)
    size = kernels.shape[-1]
    square = mixed = 0.0
    for oh in range(padded.shape[1] - size + 1):
        for ow in range(padded.shape[2] - size + 1):
            window = padded[:, oh : oh + size, ow : ow + size].reshape(len(images), -1)
            for kernel in kernels.reshape(len(kernels), -1):
                products = window * kernel
                square += float((products**2).sum())
                mixed += float((products.sum(1) ** 2).sum() - (products**2).sum())
    return square + mixed


def test_the_bracket_of_equation_7_is_the_square_of_the_own_norm() -> None:
    c = channels()
    for i in range(7):
        found = bracket(c.images[0][:, i], c.kernels[0][:, i], padding=1)
        assert found == pytest.approx(float(c.own_norms[0, i] ** 2), rel=1e-12)


@pytest.mark.parametrize("make", FACTORS.values(), ids=FACTORS)
def test_the_product_of_kept_pairs_is_the_weighted_one(make) -> None:
    factors = make(1)
    indices, scales = torch.tensor([4, 1, 4, 6]), torch.tensor([0.5, 2, 1, 3]).double()
    weights = torch.zeros(1, 7, dtype=torch.float64)
    weights[0].index_add_(0, indices, scales)
    found = factors.kept(indices, scales)
    if found.dim() == 4:
        found = found.flatten(2).transpose(1, 2).flatten(0, 1)
    torch.testing.assert_close(found, factors.weighted(weights)[0])


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Matrices(torch.ones(1, 2, 3), torch.ones(1, 4, 5)), "a has 3 columns but b has 4"),
        (lambda: Matrices(torch.ones(2, 3), torch.ones(3, 4)), "both must be stacks"),
        (lambda: Matrices(torch.ones(2, 2, 3), torch.ones(1, 3, 4)), "equally many matrices"),
        (
            lambda: Channels(torch.ones(1, 2, 3, 4, 4), torch.ones(1, 2, 5, 1, 1), 0),
            "images have 3 channels but kernels 5",
        ),
        (lambda: Channels(torch.ones(2, 3, 4, 4), torch.ones(2, 3, 1, 1), 0), "five dimensions"),
    ],
)
def test_factors_that_do_not_fit_are_refused(make, text: str) -> None:
    with pytest.raises(ShapeError, match=text):
        make()


def test_a_bound_of_a_channels_own_norm_is_the_window_times_its_score() -> None:
    """‖I^[i] * K_[i]‖² <= h w ‖I^[i]‖² ‖K_[i]‖², reached by a constant image and kernel."""
    g = seeded(3)
    for padding in (0, 1, 2):
        c = Channels(
            torch.randn(1, 2, 7, 6, 5, generator=g),
            torch.randn(1, 4, 7, 3, 3, generator=g),
            padding,
        )
        assert (c.own_norms <= 3 * c.scores).all()
    flat = Channels(torch.ones(1, 1, 1, 50, 50), torch.ones(1, 1, 1, 3, 3), 1)
    assert float(flat.own_norms / flat.scores) > 0.97 * 3
