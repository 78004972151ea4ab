"""The pairs of a convolution, input channel i of the images with that of the kernels."""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor
from torch.nn import functional

from crs_core.errors import ShapeError


@dataclass(frozen=True)
class Channels:
    """Images I (F x N x C x H x W) and kernels K (F x O x C x h x w), at stride 1.

    F = 1, or images and kernels for each draw. Results are matrices of N·H'·W' positions by O.
    """

    images: Tensor
    kernels: Tensor
    padding: int

    def __post_init__(self) -> None:
        """Raise ShapeError where the two do not fit."""
        images, kernels = self.images, self.kernels
        if images.dim() != 5 or kernels.dim() != 5 or len(images) != len(kernels):
            raise ShapeError(
                f"images have shape {tuple(images.shape)} and kernels {tuple(kernels.shape)}; give "
                "both five dimensions, and equally many"
            )
        if images.shape[2] != kernels.shape[2]:
            raise ShapeError(
                f"images have {images.shape[2]} channels but kernels {kernels.shape[2]}; a "
                "convolution needs them equal"
            )

    @cached_property
    def scores(self) -> Tensor:
        """Give ‖I^[i]‖_F ‖K_[i]‖_F (Eq. 8), F x C; norms of the images without padding."""
        return _channel_norms(self.images) * _channel_norms(self.kernels)

    @cached_property
    def own_norms(self) -> Tensor:
        """Give ‖I^[i] * K_[i]‖_F, F x C: the optimal probabilities are in proportion (Eq. 7).

        The bracket of Eq. 7 is the square of this norm. Our identity also holds the terms of R in
        which only one of the indices h, w differs; the printed index sets leave them out.
        """
        factors, batch, channels, height, width = self.images.shape
        filters = self.kernels.shape[1]
        # One convolution whose groups are all channels of all factors.
        images = self.images.transpose(0, 1).reshape(batch, factors * channels, height, width)
        kernels = self.kernels.transpose(1, 2).reshape(-1, 1, *self.kernels.shape[3:])
        own = functional.conv2d(images, kernels, padding=self.padding, groups=factors * channels)
        own = own.view(batch, factors, channels, filters, -1)
        found: Tensor = torch.linalg.vector_norm(own, dim=(0, 3, 4))
        return found

    @cached_property
    def norms(self) -> Tensor:
        """Give ‖I‖_F ‖K‖_F, F numbers: what errors are relative to."""
        norms: Tensor = torch.linalg.vector_norm(self.images.flatten(1), dim=1)
        norms_k: Tensor = torch.linalg.vector_norm(self.kernels.flatten(1), dim=1)
        return norms * norms_k

    @cached_property
    def product(self) -> Tensor:
        """Give what `exact` gives, computed once."""
        return self.exact()

    def exact(self) -> Tensor:
        """Give I * K, F x positions x O."""
        ones = self.images.new_ones(len(self.images), self.images.shape[2])
        return self.weighted(ones)

    def weighted(self, weights: Tensor) -> Tensor:
        """Give Σ_i w_i I^[i] * K_[i] for each row of the weights (D x C); F is 1 or D."""
        images = self.images * weights[:, None, :, None, None]
        draws, batch, channels, height, width = images.shape
        filters = self.kernels.shape[1]
        if len(self.kernels) == 1:
            found = functional.conv2d(images.flatten(0, 1), self.kernels[0], padding=self.padding)
            found = found.view(draws, batch, filters, -1)
        else:
            images = images.transpose(0, 1).reshape(batch, draws * channels, height, width)
            found = functional.conv2d(
                images, self.kernels.flatten(0, 1), padding=self.padding, groups=draws
            )
            found = found.view(batch, draws, filters, -1).transpose(0, 1)
        return found.transpose(2, 3).flatten(1, 2)

    def kept(self, indices: Tensor, scales: Tensor) -> Tensor:
        """Give Ĩ * K̃ as one would compute it, from the kept channels of the first factors alone."""
        images = self.images[0].index_select(1, indices) * scales.view(-1, 1, 1)
        kernels = self.kernels[0].index_select(1, indices)
        return functional.conv2d(images, kernels, padding=self.padding)


def _channel_norms(t: Tensor) -> Tensor:
    found: Tensor = torch.linalg.vector_norm(t, dim=(1, 3, 4))
    return found
