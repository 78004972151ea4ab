"""The text `pydoc`: the topics of Python's manual that every interpreter brings along.

The text differs a little from version to version of Python, so fixed counts of words are taken from
the beginning of each part, which every version from 3.11 on has: layer shapes and the length of a
training do not hang on the version, though the numbers do.
"""

import re

from crs_core.data.facts import TextFacts
from crs_core.errors import DatasetError

EVERY = 8
"""Of so many topics in alphabetical order one is for validation and one for the test."""
VALIDATION, TEST = 3, 7

_PARAGRAPH = re.compile(r"\n\s*\n")
_WORD = re.compile(r"\w+|[^\w\s]")


def read_topics(facts: TextFacts, *, end: str) -> tuple[list[str], list[str], list[str]]:
    """Give the words of the training, validation and test parts, as many as `facts` says.

    Parts are made of whole topics. Letters are made small; a word is a run of letters, digits and
    underscores, or one other sign; `end` closes each paragraph. Topics quote each other: a
    paragraph that was there before is left out, so that no part holds another's.

    Raises DatasetError where the interpreter has no topics, or too few.
    """
    try:
        from pydoc_data.topics import topics
    except ImportError:
        raise DatasetError(
            f"{facts.name} is the module pydoc_data.topics, which this interpreter lacks; install "
            "the whole of Python's standard library, or train on another text"
        ) from None
    parts: tuple[list[str], list[str], list[str]] = ([], [], [])
    seen: set[tuple[str, ...]] = set()
    for i, name in enumerate(sorted(topics)):
        part = parts[{VALIDATION: 1, TEST: 2}.get(i % EVERY, 0)]
        for paragraph in _PARAGRAPH.split(topics[name]):
            words = tuple(_WORD.findall(paragraph.lower()))
            if words and words not in seen:
                seen.add(words)
                part += (*words, end)
    for words_there, count in zip(parts, (facts.train, facts.validation, facts.test), strict=True):
        if len(words_there) < count:
            raise DatasetError(
                f"the topics of this interpreter give {len(words_there)} words where {count} are "
                f"needed; {facts.name} needs Python 3.11 or later, with its whole library"
            )
        del words_there[count:]
    return parts
