"""Random factors of the products that a study looks at."""

import torch
from torch import Tensor

from crs_core.spec import MatrixProduct, StudySpec
from crs_core.spec.study import Entries, NormalEntries, UniformEntries
from crs_core.study.channels import Channels
from crs_core.study.matrices import Matrices


def draw_factors(
    spec: StudySpec, count: int, generator: torch.Generator, device: torch.device
) -> Matrices | Channels:
    """Draw `count` pairs of factors on the CPU, whatever the device, in double precision.

    The entries themselves have single precision, which is drawn four times as fast. The third pair
    is the same whether it is drawn with the others or after them.
    """
    first, second = spec.distributions
    size, size_b = _sizes(spec)
    drawn = [
        (_draw(first, size, generator), _draw(second, size_b, generator)) for _ in range(count)
    ]
    a, b = (torch.stack(factors).to(device).double() for factors in zip(*drawn, strict=True))
    if isinstance(spec.operation, MatrixProduct):
        return Matrices(a, b)
    return Channels(a, b, spec.operation.padding)


def _sizes(spec: StudySpec) -> tuple[tuple[int, ...], tuple[int, ...]]:
    match spec.operation:
        case MatrixProduct(m=m, n=n, p=p):
            return (m, n), (n, p)
        case conv:
            images = (conv.batch, conv.channels, conv.image_size, conv.image_size)
            return images, (conv.filters, conv.channels, conv.kernel_size, conv.kernel_size)


def _draw(entries: Entries, size: tuple[int, ...], generator: torch.Generator) -> Tensor:
    t = torch.empty(size)
    match entries:
        case NormalEntries(mean=mean, std=std):
            t.normal_(mean, std, generator=generator)
        case UniformEntries(low=low, high=high):
            t.uniform_(low, high, generator=generator)
        case _:
            t.exponential_(1 / entries.mean, generator=generator)
    return t
