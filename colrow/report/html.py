"""A document as one HTML file that needs nothing else: style and figures are inside."""

from html import escape

from colrow.report.document import Block, Cell, Code, Document, Mark, Paragraph, Picture, Table
from colrow.report.looks import VARIABLES

_STYLE = """
body { margin: 0 auto; padding: 2.5rem 1.25rem 4rem; max-width: 76rem; background: var(--page);
  color: var(--ink); font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans",
  sans-serif; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 0 0 .5rem; text-wrap: balance; }
h2 { font-size: 1.2rem; margin: 2.75rem 0 .75rem; }
p { max-width: 46rem; margin: .6rem 0; }
.lead { font-size: 1.1rem; color: var(--muted); }
figure { margin: 1.25rem 0; }
figure svg { width: min(100%, 54rem); height: auto; display: block; }
figcaption, .caption { color: var(--muted); font-size: .875rem; max-width: 46rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; margin: .75rem 0 .25rem; font-size: .9rem;
  font-variant-numeric: tabular-nums; }
th, td { padding: .35rem .8rem .35rem 0; text-align: left; vertical-align: top;
  border-bottom: 1px solid var(--line); }
th { color: var(--muted); font-weight: 600; border-bottom-color: var(--ink); }
td:first-child { min-width: 7rem; }
td:nth-child(2):not(.number) { min-width: 17rem; }
td:has(.mark) { min-width: 9.5rem; }
th.number, td.number { text-align: right; white-space: nowrap; }
.mark { font-weight: 600; }
.good { color: var(--good); } .bad { color: var(--bad); } .open { color: var(--open); }
pre { background: var(--sunken); padding: .8rem 1rem; border-radius: 6px; overflow-x: auto;
  font: .85rem/1.5 ui-monospace, "SF Mono", "DejaVu Sans Mono", Menlo, Consolas, monospace; }
@media print { body { padding: 0; max-width: none; } }
"""


def render(document: Document) -> str:
    """Write the page."""
    title = escape(document.title)
    body = [f"<h1>{title}</h1>", f'<p class="lead">{escape(document.lead)}</p>']
    for section in document.sections:
        body.append(f"<h2>{escape(section.title)}</h2>")
        body += [_block(block) for block in section.blocks]
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>\n:root {{ color-scheme: light dark; }}\n"
        f"{VARIABLES}{_STYLE}</style>\n</head>\n<body>\n" + "\n".join(body) + "\n</body>\n</html>\n"
    )


def _block(block: Block) -> str:
    match block:
        case Paragraph(text):
            return f"<p>{escape(text)}</p>"
        case Code(text):
            return f"<pre>{escape(text.rstrip())}</pre>"
        case Picture(svg=svg, caption=caption):
            inside = svg[svg.index("<svg") :]
            return f"<figure>{inside}<figcaption>{escape(caption)}</figcaption></figure>"
        case Table():
            return _table(block)


def _table(table: Table) -> str:
    numbers = [title.startswith(">") for title in table.columns]
    head = "".join(
        _cell("th", title.removeprefix(">"), is_number=number)
        for title, number in zip(table.columns, numbers, strict=True)
    )
    rows = "\n".join(
        "<tr>"
        + "".join(_cell("td", c, is_number=n) for c, n in zip(row, numbers, strict=True))
        + "</tr>"
        for row in table.rows
    )
    caption = f'\n<p class="caption">{escape(table.caption)}</p>' if table.caption else ""
    return (
        f'<div class="wide"><table>\n<thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{rows}\n</tbody>\n</table></div>{caption}"
    )


def _cell(tag: str, cell: Cell, *, is_number: bool) -> str:
    text = escape(cell.text if isinstance(cell, Mark) else cell)
    if isinstance(cell, Mark):
        text = f'<span class="mark {cell.kind}">{text}</span>'
    return f"<{tag}{' class=number' if is_number else ''}>{text}</{tag}>"
