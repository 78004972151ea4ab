"""A report as data, before it is HTML or Markdown."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Mark:
    """A verdict in a cell: its words, and whether they are good, bad or open."""

    text: str
    kind: Literal["good", "bad", "open"]


Cell = str | Mark


@dataclass(frozen=True)
class Paragraph:
    """Plain text."""

    text: str


@dataclass(frozen=True)
class Table:
    """Rows of cells. A column whose title begins with `>` holds numbers and stands right."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    caption: str = ""


@dataclass(frozen=True)
class Picture:
    """A figure as SVG; `name` is its file's, without the ending."""

    name: str
    svg: str
    caption: str


@dataclass(frozen=True)
class Code:
    """Text to be copied as it is."""

    text: str
    language: str = ""


Block = Paragraph | Table | Picture | Code


@dataclass(frozen=True)
class Section:
    """A heading and what stands under it."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Document:
    """A whole report."""

    title: str
    lead: str
    """What it says, in a sentence or two."""
    sections: tuple[Section, ...]

    @property
    def pictures(self) -> list[Picture]:
        """Every figure, in order."""
        return [b for s in self.sections for b in s.blocks if isinstance(b, Picture)]
