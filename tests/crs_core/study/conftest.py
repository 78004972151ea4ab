"""Small factors of sizes that all differ, and the generators of a study."""

import torch

from crs_core.study.channels import Channels
from crs_core.study.matrices import Matrices

torch.set_num_threads(1)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def matrices(count: int = 1, m: int = 5, n: int = 7, p: int = 3, seed: int = 0) -> Matrices:
    g = seeded(seed)
    a = torch.randn(count, m, n, generator=g, dtype=torch.float64) + 0.3
    return Matrices(a, torch.randn(count, n, p, generator=g, dtype=torch.float64) * 2 - 0.4)


def channels(count: int = 1, padding: int = 1, seed: int = 0) -> Channels:
    g = seeded(seed)
    images = torch.randn(count, 2, 7, 6, 5, generator=g, dtype=torch.float64) + 0.5
    kernels = torch.randn(count, 4, 7, 3, 3, generator=g, dtype=torch.float64)
    return Channels(images, kernels, padding)
