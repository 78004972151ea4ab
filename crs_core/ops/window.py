"""How the kernels of a convolution move over the input: stride, padding of every mode, dilation."""

from dataclasses import dataclass
from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor

from crs_core.errors import ShapeError

PaddingMode = Literal["zeros", "reflect", "replicate", "circular"]


@dataclass(frozen=True)
class Window:
    """How the kernels move over the input."""

    stride: tuple[int, int]
    padding: tuple[int, int]
    """Zeros that the convolution itself puts on both sides of the rows and of the columns."""
    before: tuple[int, int, int, int] | None
    """Padding to be done beforehand, in the order of `torch.nn.functional.pad`."""
    mode: str
    """What `before` puts there, in the words of `torch.nn.functional.pad`."""
    dilation: tuple[int, int]
    groups: int

    def pad(self, x: Tensor) -> Tensor:
        """Do the padding that the convolution itself does not."""
        if self.before is None:
            return x
        # An empty draw has no channels, and only zeros can be put around nothing.
        return F.pad(x, self.before, self.mode if x.shape[1] else "constant")

    def unpad(self, dx: Tensor, shape: torch.Size) -> Tensor:
        """Give the gradient before the padding from that after it."""
        if self.before is None:
            return dx
        with torch.enable_grad():
            # The padding is linear, so its gradient is the same at every input: take zeros.
            x = dx.new_zeros(shape, requires_grad=True)
            return torch.autograd.grad(self.pad(x), x, dx)[0]

    def convolve(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """Convolve a padded input."""
        return F.conv2d(x, weight, bias, self.stride, self.padding, self.dilation, self.groups)

    def gradients(
        self, dy: Tensor, x: Tensor, weight: Tensor, *, need_x: bool, need_w: bool
    ) -> tuple[Tensor | None, Tensor | None]:
        """Give the exact gradients of `convolve`."""
        dx, dw, _ = torch.ops.aten.convolution_backward(
            dy, x, weight, None, self.stride, self.padding, self.dilation, False, (0, 0),  # noqa: FBT003
            self.groups, (need_x, need_w, False),
        )  # fmt: skip
        return dx, dw


def make_window(
    weight: Tensor,
    stride: int | tuple[int, int],
    padding: str | int | tuple[int, int],
    dilation: int | tuple[int, int],
    groups: int,
    padding_mode: str,
) -> Window:
    """Check torch's arguments and make one thing of them. Raises ShapeError."""
    if padding_mode not in get_args(PaddingMode):
        raise ShapeError(
            f"padding_mode {padding_mode!r} is not known; "
            f"there are: {', '.join(get_args(PaddingMode))}"
        )
    steps, gaps = _pair(stride), _pair(dilation)
    top, bottom, left, right = _sides(weight, steps, padding, gaps)
    is_even = (top, left) == (bottom, right)
    if padding_mode == "zeros" and is_even:
        return Window(steps, (top, left), None, "constant", gaps, groups)
    mode = "constant" if padding_mode == "zeros" else padding_mode
    before = (left, right, top, bottom)
    return Window(steps, (0, 0), before if any(before) else None, mode, gaps, groups)


def _sides(
    weight: Tensor,
    stride: tuple[int, int],
    padding: str | int | tuple[int, int],
    dilation: tuple[int, int],
) -> tuple[int, int, int, int]:
    """Give the padding above, below, left and right."""
    if not isinstance(padding, str):
        rows, columns = _pair(padding)
        return rows, rows, columns, columns
    if padding not in ("same", "valid"):
        raise ShapeError(f"padding {padding!r} is not known; give numbers, 'same' or 'valid'")
    if padding == "valid":
        return 0, 0, 0, 0
    if stride != (1, 1):
        raise ShapeError(f"padding 'same' needs stride 1; got stride {stride}")
    height, width = (d * (size - 1) for d, size in zip(dilation, weight.shape[2:], strict=True))
    # An odd total puts the one more below and to the right, as torch does.
    return height // 2, height - height // 2, width // 2, width - width // 2


def _pair(value: int | tuple[int, ...]) -> tuple[int, int]:
    if isinstance(value, int):
        return value, value
    pair = tuple(value)
    if len(pair) == 1:
        return pair[0], pair[0]
    if len(pair) != 2:
        raise ShapeError(f"stride, padding and dilation take one or two numbers; got {pair}")
    return pair[0], pair[1]
