"""Put a document into a folder: HTML, Markdown, and the figures beside it."""

from collections.abc import Mapping
from pathlib import Path

from colrow.errors import ColrowError
from colrow.report import html, markdown
from colrow.report.document import Document
from colrow.report.looks import standalone

FIGURES = "figures"


def write(
    document: Document,
    folder: Path,
    *,
    name: str = "report",
    beside: Mapping[str, str] | None = None,
) -> Path:
    """Write `name`.html, `name`.md, the figures and the files `beside`; give the page's path.

    Files of the same names are replaced. Raises ColrowError when the folder cannot be written to.
    """
    files = {f"{name}.html": html.render(document)}
    files[f"{name}.md"] = markdown.render(document, pictures=FIGURES)
    files |= {f"{FIGURES}/{p.name}.svg": standalone(p.svg) for p in document.pictures}
    files |= beside or {}
    try:
        for path, text in files.items():
            whole = folder / path
            whole.parent.mkdir(parents=True, exist_ok=True)
            # Results must not be lost to a full disk half way through a file.
            part = whole.with_name(whole.name + ".part")
            part.write_text(text, encoding="utf-8")
            part.replace(whole)
    except OSError as error:
        raise ColrowError(
            f"the report cannot be written to {folder}: {error.strerror or error}; choose another "
            "folder with --out"
        ) from None
    return folder / f"{name}.html"
