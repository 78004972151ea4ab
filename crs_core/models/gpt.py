"""A small decoder-only transformer, which shows that sampling is not tied to networks of 2018.

Blocks are normalised beforehand (pre-norm), positions are learned, the nonlinearity is GELU.

Source: Radford et al., "Language Models are Unsupervised Multitask Learners", 2019 (GPT-2), whose
initial weights are taken too: N(0, 0.02), in projections onto the residual stream divided by
sqrt(2 depth); biases 0.
"""

from math import sqrt

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from crs_core.errors import ShapeError
from crs_core.models.dropout import Dropout
from crs_core.models.words import LanguageModel, State
from crs_core.nn.bmm import BatchedProduct
from crs_core.spec import GPTModel

DEVIATION = 0.02
"""Of the initial weights."""


class GPT(LanguageModel):
    """Embedding, blocks block1, block2, …, and output.

    A word sees those before it in the same window, at most `sequence_length` of them with itself;
    nothing is carried from window to window. The loss is the mean over all words of a batch.
    """

    sums_steps = False

    def __init__(self, model: GPTModel, vocabulary: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, model.width)
        self.position = nn.Embedding(model.sequence_length, model.width)
        self.dropout = Dropout(model.dropout)
        self.depth = model.depth
        for i in range(1, model.depth + 1):
            setattr(self, f"block{i}", _Block(model))
        self.norm = nn.LayerNorm(model.width)
        self.output = nn.Linear(model.width, vocabulary)

    def forward(self, words: Tensor, state: State = None) -> tuple[Tensor, State]:  # noqa: ARG002
        """Give scores; there is no state. Raises ShapeError for words beyond the window."""
        steps = words.shape[0]
        if steps > self.position.num_embeddings:
            raise ShapeError(
                f"{steps} words came in, but the window has {self.position.num_embeddings}; cut "
                "the text into windows, or build with a larger `sequence_length`"
            )
        # Batch first inside: each example's words lie together.
        x = self.embedding(words.t()) + self.position.weight[:steps]
        x = self.dropout(x)
        for i in range(1, self.depth + 1):
            x = getattr(self, f"block{i}")(x)
        return self.output(self.norm(x)).transpose(0, 1), None

    @torch.no_grad()
    def draw_weights(self, generator: torch.Generator) -> None:
        """Draw as GPT-2 does; normalisation starts as the identity."""
        for name, module in self.named_modules():
            match module:
                case nn.LayerNorm():
                    module.reset_parameters()  # ones and zeros: nothing is drawn
                case nn.Embedding():
                    module.weight.normal_(0, DEVIATION, generator=generator)
                case nn.Linear():
                    onto_stream = name.endswith((".out", ".down"))
                    share = 1 / sqrt(2 * self.depth) if onto_stream else 1.0
                    module.weight.normal_(0, DEVIATION * share, generator=generator)
                    module.bias.zero_()


class _Block(nn.Module):
    """Attention and a feed-forward network, each on the normalised stream and added to it."""

    def __init__(self, model: GPTModel) -> None:
        super().__init__()
        n = model.width
        self.norm1 = nn.LayerNorm(n)
        self.attention = (_SampledAttention if model.sampled_attention else _Attention)(model)
        self.dropout1 = Dropout(model.dropout)
        self.norm2 = nn.LayerNorm(n)
        self.up = nn.Linear(n, 4 * n)
        self.down = nn.Linear(4 * n, n)
        self.dropout2 = Dropout(model.dropout)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.dropout1(self.attention(self.norm1(x)))
        y: Tensor = x + self.dropout2(self.down(F.gelu(self.up(self.norm2(x)))))
        return y


class _Attention(nn.Module):
    """Causal attention by torch's own kernel; exact, always. No dropout on its weights."""

    def __init__(self, model: GPTModel) -> None:
        super().__init__()
        self.heads = model.heads
        self.qkv = nn.Linear(model.width, 3 * model.width)
        self._add_products()
        self.out = nn.Linear(model.width, model.width)

    def forward(self, x: Tensor) -> Tensor:
        n, t, width = x.shape
        q, k, v = self.qkv(x).view(n, t, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        y: Tensor = self.out(self._attend(q, k, v).transpose(1, 2).reshape(n, t, width))
        return y

    def _add_products(self) -> None:
        """Torch's kernel has its products inside."""

    def _attend(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Give N x heads x T x width of a head."""
        return F.scaled_dot_product_attention(q, k, v, is_causal=True)


class _SampledAttention(_Attention):
    """The same attention with its two products as layers, which rules can make approximate."""

    def _add_products(self) -> None:
        self.scores = BatchedProduct()
        self.mix = BatchedProduct()

    def _attend(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        t = q.shape[-2]
        scores = self.scores(q, k.transpose(-2, -1)) / sqrt(q.shape[-1])
        ahead = torch.ones(t, t, dtype=torch.bool, device=q.device).triu(1)
        weights = scores.masked_fill(ahead, -torch.inf).softmax(-1)
        mixed: Tensor = self.mix(weights, v)
        return mixed
