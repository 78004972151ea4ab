"""The network: torch as always, exact, with no word of sampling."""

from math import prod

from torch import Tensor, nn
from torch.nn import functional

from colrow_example.offers import ResidualMLP


class Block(nn.Module):
    """x + contract(relu(expand(x)))."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.expand = nn.Linear(width, 2 * width)
        self.contract = nn.Linear(2 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Give the input and what the block adds to it."""
        return x + self.contract(functional.relu(self.expand(x)))


class Network(nn.Module):
    """embed, the blocks, out."""

    def __init__(self, inputs: int, width: int, blocks: int, classes: int) -> None:
        super().__init__()
        self.embed = nn.Linear(inputs, width)
        self.blocks = nn.Sequential(*(Block(width) for _ in range(blocks)))
        self.out = nn.Linear(width, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Give one value per class."""
        y: Tensor = self.out(functional.relu(self.blocks(self.embed(x.flatten(1)))))
        return y


def build(parameters: ResidualMLP, image: tuple[int, int, int], classes: int) -> Network:
    """Make the network; Colrow draws its weights."""
    return Network(prod(image), parameters.width, parameters.blocks, classes)
