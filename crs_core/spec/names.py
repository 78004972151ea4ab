"""The names of our networks and data sets; installed packages may offer more (`crs_core.own`)."""

from typing import Literal

ModelName = Literal["mlp", "cnn", "wrn", "lstm", "gpt"]
DatasetName = Literal[
    "digits", "mnist", "fashion-mnist", "cifar-10", "cifar-100", "ptb", "wikitext-2", "pydoc"
]
