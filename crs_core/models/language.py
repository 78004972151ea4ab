"""From the model of a spec to a network that learns to predict the next word."""

from collections.abc import Mapping

import torch

from crs_core.models.gpt import GPT
from crs_core.models.lstm import LSTMNetwork
from crs_core.models.words import LanguageModel
from crs_core.spec import Model


def build_language_model(
    model: Model, vocabulary: int, *, generator: torch.Generator | None = None
) -> LanguageModel:
    """Build the network of a spec for a text of `vocabulary` different words.

    The weights are drawn from `generator`, by default one seeded with 0; torch's global generator
    is not touched. Layer names are those of `crs_core.layers`.
    """
    # Made on `meta`, a layer has no weights to draw; torch would draw from its global generator.
    with torch.device("meta"):
        network = LANGUAGE_NETWORKS[model.name](model, vocabulary)
    network.to_empty(device="cpu")
    network.draw_weights(generator or torch.Generator().manual_seed(0))
    return network


LANGUAGE_NETWORKS: Mapping[str, type[LanguageModel]] = {
    "lstm": LSTMNetwork,
    "gpt": GPT,
}
"""One class per model name."""
