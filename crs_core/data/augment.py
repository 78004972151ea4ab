"""What is done to images between memory and network: random crops and flips, whitening.

The recipe of Adelman & Silberstein 2018 for CIFAR (after the code they cite): pad by 2 zeros on
every side, crop a random part of the old size, mirror every other image, then whiten each image; in
evaluation whiten alone.
"""

import torch
from torch import Tensor
from torch.nn import functional

from crs_core.shards import Shard
from crs_core.spec import Augmentation


def augmented(
    images: Tensor, by: Augmentation, generator: torch.Generator, *, shard: Shard | None = None
) -> Tensor:
    """Give each image cropped and flipped at random; N C H W, the same type and size.

    Every image has its own place for the crop and its own coin for the flip, drawn for the whole
    batch at once from `generator`, which is of the images' device. Where several devices share the
    batch, `images` are those of `shard`; what a single device would draw for them is theirs.
    """
    count, channels, height, width = images.shape
    part = shard or Shard(0, count, count)

    def draw(below: int) -> Tensor:
        every = torch.randint(below, (part.whole, 1), generator=generator, device=images.device)
        return every[part.begin : part.end]

    rows = torch.arange(height, device=images.device).expand(count, -1)
    columns = torch.arange(width, device=images.device).expand(count, -1)
    if by.flip:
        columns = torch.where(draw(2) == 1, width - 1 - columns, columns)
    if by.crop_padding:
        side = by.crop_padding
        images = functional.pad(images, (side, side, side, side))
        rows, columns = rows + draw(2 * side + 1), columns + draw(2 * side + 1)
    example = torch.arange(count, device=images.device)[:, None, None, None]
    channel = torch.arange(channels, device=images.device)[:, None, None]
    return images[example, channel, rows[:, None, :, None], columns[:, None, None, :]]


def whitened(images: Tensor, *, pixel_max: int) -> Tensor:
    """Give each image, from 0 to 1, with mean 0 and standard deviation 1 over all its values.

    (x - mean) / max(std, 1/√n), of n values, the floor said of pixels up to `pixel_max`: an image
    of one colour becomes zeros. It is what TensorFlow's per_image_standardization does.
    """
    variance, mean = torch.var_mean(images, dim=(1, 2, 3), correction=0, keepdim=True)
    floor = 1 / (pixel_max * images[0].numel() ** 0.5)
    return (images - mean) / variance.sqrt().clamp(min=floor)
