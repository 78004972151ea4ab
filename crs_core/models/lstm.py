"""The recurrent language model of the paper: embedding, LSTM layers, output.

Source: Adelman & Silberstein 2018, section 4.3, which takes the network of Zaremba, Sutskever &
Vinyals, "Recurrent Neural Network Regularization", 2014: dropout on the connections that do not
recur (behind the embedding and behind each layer).
"""

import torch
from torch import Tensor, nn

from crs_core.models.dropout import Dropout
from crs_core.models.words import LanguageModel, State
from crs_core.spec import LSTMModel

BOUND = 0.05
"""Initial weights are drawn from U(-BOUND, BOUND)."""


class LSTMNetwork(LanguageModel):
    """Embedding, layers lstm1, lstm2, … of torch's own LSTM, and output.

    The loss is summed over the steps of a sequence and is a mean over the batch, as in the paper's
    recipe; its learning rate of 1 and its clipping at 5 go with that. Initial weights are
    U(-0.05, 0.05), biases 0, that of the forget gate too. Torch's layers have two bias vectors,
    whose sum is all that matters; the second is held at 0, so that the bias learns at the same rate
    as everything else. With `tied` embedding and output share one weight.
    """

    sums_steps = True

    def __init__(self, model: LSTMModel, vocabulary: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, model.hidden)
        self.dropout0 = Dropout(model.dropout, batch_dim=1)
        self.depth = model.layers
        for i in range(1, model.layers + 1):
            layer = nn.LSTM(model.hidden, model.hidden)
            layer.bias_hh_l0.requires_grad = False
            setattr(self, f"lstm{i}", layer)
            setattr(self, f"dropout{i}", Dropout(model.dropout, batch_dim=1))
        self.output = nn.Linear(model.hidden, vocabulary)
        self.is_tied = model.tied

    def forward(self, words: Tensor, state: State = None) -> tuple[Tensor, State]:
        """Give scores, and for each layer its output h and its cell c behind the last word."""
        x: Tensor = self.dropout0(self.embedding(words))
        behind: list[tuple[Tensor, Tensor]] = []
        for i in range(1, self.depth + 1):
            before = None if state is None else state[i - 1]
            x, after = getattr(self, f"lstm{i}")(x, before)
            x = getattr(self, f"dropout{i}")(x)
            behind.append(after)
        return self.output(x), behind

    @torch.no_grad()
    def draw_weights(self, generator: torch.Generator) -> None:
        """Draw all weights from U(-0.05, 0.05); set all biases to 0."""
        if self.is_tied:  # only now: `to_empty` gives each of two places a memory of its own
            self.output.weight = self.embedding.weight
        for name, parameter in self.named_parameters():
            if "bias" in name:
                parameter.zero_()
            else:
                parameter.uniform_(-BOUND, BOUND, generator=generator)
