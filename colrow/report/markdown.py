"""A document as Markdown; its figures are files in a folder beside it."""

from colrow.report.document import Block, Cell, Code, Document, Mark, Paragraph, Picture, Table


def render(document: Document, *, pictures: str) -> str:
    """Write it; `pictures` is the folder of the figures as the Markdown file sees it."""
    parts = [f"# {_text(document.title)}", _text(document.lead)]
    for section in document.sections:
        parts.append(f"## {_text(section.title)}")
        parts += [_block(block, pictures) for block in section.blocks]
    return "\n\n".join(parts) + "\n"


def _block(block: Block, pictures: str) -> str:
    match block:
        case Paragraph(text):
            return _text(text)
        case Code(text, language):
            fence = "```"
            while fence in text:
                fence += "`"
            return f"{fence}{language}\n{text.rstrip()}\n{fence}"
        case Picture(name=name, caption=caption):
            alt = _text(caption).replace("[", "\\[").replace("]", "\\]")
            return f"![{alt}]({pictures}/{name}.svg)\n\n*{_text(caption)}*"
        case Table():
            return _table(block)


def _table(table: Table) -> str:
    titles = [title.removeprefix(">") for title in table.columns]
    rules = ["---:" if title.startswith(">") else "---" for title in table.columns]
    lines = [_row(titles), _row(rules), *(_row([_cell(c) for c in row]) for row in table.rows)]
    return "\n".join(lines) + (f"\n\n{_text(table.caption)}" if table.caption else "")


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(cell: Cell) -> str:
    if isinstance(cell, Mark):
        return f"**{_cell(cell.text)}**"
    return _text(cell).replace("|", "\\|").replace("\n", " ")


def _text(text: str) -> str:
    """Keep what a person typed from being read as markup."""
    for sign in ("\\", "*", "_", "`", "<"):
        text = text.replace(sign, f"\\{sign}")
    return text
