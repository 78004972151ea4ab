"""Texts in memory: words become numbers, by a vocabulary that the training part alone decides.

A word's number is its rank by how often it occurs in the training part, the most frequent first;
words as frequent as each other stand in the order of their letters. The end of each line is a word
of its own, `<eos>`.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from crs_core.data.download import OnProgress
from crs_core.data.facts import FACTS, PackageFile, TextFacts
from crs_core.data.files import read_files
from crs_core.data.pydoc import read_topics
from crs_core.errors import DatasetError
from crs_core.rules import split_sizes
from crs_core.spec import Dataset

EOS = "<eos>"
UNKNOWN = "<unk>"


@dataclass(frozen=True)
class Text:
    """A text in three parts, each an int64 vector of word numbers."""

    train: Tensor
    validation: Tensor
    test: Tensor
    words: tuple[str, ...]
    """The vocabulary: the word of each number."""


def load_text(
    dataset: Dataset,
    folder: Path | None,
    *,
    download: bool = False,
    on_progress: OnProgress | None = None,
) -> Text:
    """Give the text that a spec names, from `folder/<name>/` or the interpreter's own manual.

    `train_limit` keeps the first so many words of the training part; the vocabulary stays that of
    the whole part, so that the network is the same.

    Raises DatasetError for a file that is missing, truncated, damaged or can't be fetched, and as
    `make_text` does; SpecError where `train_limit` asks for more words than there are.
    """
    facts = FACTS[dataset.name]
    assert isinstance(facts, TextFacts)
    train, _ = split_sizes(dataset)
    if isinstance(facts.origin, PackageFile):
        parts: Sequence[list[str]] = read_topics(facts, end=EOS)
    else:
        contents = read_files(facts, folder, download=download, on_progress=on_progress)
        parts = [
            words_of(content, file.name)
            for content, file in zip(contents, facts.files, strict=True)
        ]
    text = make_text(dict(zip(("training", "validation", "test"), parts, strict=True)), facts)
    return Text(text.train[:train], text.validation, text.test, text.words)


def words_of(content: bytes, name: str) -> list[str]:
    """Cut a plain text into words at white space, with `<eos>` at each line's end.

    Raises DatasetError where the text is not UTF-8, or has no word.
    """
    try:
        lines = content.decode().removesuffix("\n").split("\n")
    except UnicodeDecodeError as error:
        raise DatasetError(
            f"{name} is not UTF-8 text (byte {error.start}); save it as UTF-8"
        ) from None
    words = [word for line in lines for word in (*line.split(), EOS)]
    if len(words) == len(lines):
        raise DatasetError(
            f"{name} has no words; a text with at least two words per part is needed"
        )
    return words


def make_text(parts: Mapping[str, Sequence[str]], facts: TextFacts) -> Text:
    """Number the words of the training, validation and test parts.

    The vocabulary holds the `facts.vocabulary` most frequent words of the training part; all others
    become `<unk>`.

    Raises DatasetError where the vocabulary comes out smaller, a part has another number of words
    than is known, or words are outside the vocabulary and it has no `<unk>`.
    """
    for (name, words), count in zip(
        parts.items(), (facts.train, facts.validation, facts.test), strict=True
    ):
        if len(words) != count:
            raise DatasetError(
                f"the {name} part of {facts.name} has {len(words)} words, but {count} are needed: "
                f"it is {'truncated' if len(words) < count else 'another text'}"
            )
    vocabulary = _vocabulary(parts["training"], facts)
    numbers = {word: i for i, word in enumerate(vocabulary)}
    train, validation, test = (
        _encode(words, numbers, name, facts) for name, words in parts.items()
    )
    return Text(train, validation, test, vocabulary)


def _vocabulary(words: Sequence[str], facts: TextFacts) -> tuple[str, ...]:
    counts = Counter(words)
    ranked = sorted(counts, key=lambda word: (-counts[word], word))
    if len(ranked) > facts.vocabulary and UNKNOWN not in counts:
        ranked = [UNKNOWN, *ranked]
    elif len(ranked) > facts.vocabulary:
        ranked = [UNKNOWN, *(word for word in ranked if word != UNKNOWN)]
    if len(ranked) < facts.vocabulary:
        raise DatasetError(
            f"the training part of {facts.name} has {len(ranked)} different words, but "
            f"{facts.vocabulary} are needed; put the right text there"
        )
    return tuple(ranked[: facts.vocabulary])


def _encode(
    words: Sequence[str], numbers: Mapping[str, int], part: str, facts: TextFacts
) -> Tensor:
    unknown = numbers.get(UNKNOWN)
    if unknown is None:
        outside = sorted(set(words) - numbers.keys())
        if outside:
            shown = ", ".join(repr(word) for word in outside[:3])
            raise DatasetError(
                f"the {part} part of {facts.name} has {len(outside)} words that its training part "
                f"has not, as {shown}; write {UNKNOWN} for them, and for rare words of the "
                "training part"
            )
        return torch.tensor([numbers[word] for word in words])
    return torch.tensor([numbers.get(word, unknown) for word in words])
