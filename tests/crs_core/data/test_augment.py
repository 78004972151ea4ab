"""Random crops, flips and whitening, against the same done image by image."""

from collections import Counter

import pytest
import torch
from torch import Tensor

from crs_core.data.augment import augmented, whitened
from crs_core.shards import shards
from crs_core.spec import Augmentation

PAPER = Augmentation(crop_padding=2, flip=True)
N, C, H, W = 7, 3, 6, 5


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def images(count: int = N, dtype: torch.dtype = torch.uint8) -> Tensor:
    return torch.randint(1, 256, (count, C, H, W), generator=seeded(1)).to(dtype)


def possible(image: Tensor, by: Augmentation) -> dict[tuple[int, int, bool], Tensor]:
    """Every outcome there is for one image, by loops: (down, right, flipped) -> image."""
    side = by.crop_padding
    padded = torch.zeros(C, H + 2 * side, W + 2 * side, dtype=image.dtype)
    padded[:, side : side + H, side : side + W] = image
    crops = {
        (down, right): padded[:, down : down + H, right : right + W]
        for down in range(2 * side + 1)
        for right in range(2 * side + 1)
    }
    flips = (False, True) if by.flip else (False,)
    return {
        (*place, flip): crop.flip(2) if flip else crop
        for place, crop in crops.items()
        for flip in flips
    }


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
@pytest.mark.parametrize(
    "by", [PAPER, Augmentation(crop_padding=1), Augmentation(flip=True)], ids=str
)
def test_each_image_becomes_one_of_its_crops(by, dtype):
    before = images(dtype=dtype)
    after = augmented(before, by, seeded(2))
    assert (after.shape, after.dtype) == (before.shape, dtype)
    for image, made in zip(before, after, strict=True):
        assert any(torch.equal(made, p) for p in possible(image, by).values())
    assert torch.equal(before, images(dtype=dtype))


def test_every_place_and_both_sides_are_equally_likely():
    """25 places and 2 sides: each of the 50 outcomes within 5 standard errors of its share."""
    count = 20_000
    (image,) = images(1)
    after = augmented(image.expand(count, -1, -1, -1), PAPER, seeded(3))
    key = {made.numpy().tobytes(): k for k, made in possible(image, PAPER).items()}
    seen = Counter(key[made.numpy().tobytes()] for made in after.contiguous())
    assert len(seen) == 50
    share = 1 / 50
    error = (count * share * (1 - share)) ** 0.5
    assert all(abs(n - count * share) < 5 * error for n in seen.values())


def test_images_of_one_batch_draw_apart():
    after = augmented(images(1).expand(64, -1, -1, -1), PAPER, seeded(4))
    assert len({made.numpy().tobytes() for made in after.contiguous()}) > 25


def test_one_state_of_the_generator_gives_one_batch_and_the_next_another():
    draw = seeded(5)
    first, second = (augmented(images(), PAPER, draw) for _ in range(2))
    assert torch.equal(first, augmented(images(), PAPER, seeded(5)))
    assert not torch.equal(first, second)


def test_the_global_generator_is_left_alone():
    torch.manual_seed(6)
    before = torch.get_rng_state()
    augmented(images(), PAPER, seeded(5))
    assert torch.equal(torch.get_rng_state(), before)


def test_nothing_is_lost_of_no_images():
    assert augmented(images()[:0], PAPER, seeded(1)).shape == (0, C, H, W)


def test_a_whitened_image_has_mean_0_and_deviation_1():
    x = images(dtype=torch.float64) / 255
    for before, after in zip(x, whitened(x, pixel_max=255), strict=True):
        torch.testing.assert_close(after, (before - before.mean()) / before.std(correction=0))


def test_an_image_of_one_colour_becomes_zeros():
    x = torch.full((2, C, H, W), 0.7)
    torch.testing.assert_close(whitened(x, pixel_max=255), torch.zeros_like(x), rtol=0, atol=1e-3)


def test_a_nearly_even_image_is_held_down_by_the_floor():
    """std is 1/n of a pixel's step, less than 1/sqrt(n): the floor divides."""
    x = torch.zeros(1, 1, 10, 10, dtype=torch.float64)
    x[..., 0, 0] = 1 / 255
    expected = (x - x.mean()) * 255 * 10
    torch.testing.assert_close(whitened(x, pixel_max=255), expected)


def test_devices_get_together_what_one_gets():
    before, draw = images(), seeded(8)
    cut = shards(len(before), 3)
    draws = [seeded(8) for _ in cut]
    for _ in range(2):
        parts = [
            augmented(before[s.begin : s.end], PAPER, own, shard=s)
            for s, own in zip(cut, draws, strict=True)
        ]
        assert torch.equal(torch.cat(parts), augmented(before, PAPER, draw))
