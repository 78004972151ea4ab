"""One document as HTML and as Markdown, and as files."""

import re

import pytest

from colrow.errors import ColrowError
from colrow.report import html, markdown
from colrow.report.document import Code, Document, Mark, Paragraph, Picture, Section, Table
from colrow.report.write import write

SVG = '<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" id="f"><path d="M0 0"/></svg>'
DOCUMENT = Document(
    "Of <b> & a|b",
    "It says *much*.",
    (
        Section(
            "One",
            (
                Paragraph("a_b and `c`"),
                Table(
                    ("name", ">value"),
                    (("x|y", "1.5"), ("z", Mark("worse", "bad"))),
                    "what the numbers are",
                ),
            ),
        ),
        Section("Two", (Picture("curve", SVG, "A [curve]."), Code("```\nrun <it>", "sh"))),
    ),
)


def test_html_is_one_file_that_asks_for_nothing():
    page = html.render(DOCUMENT)
    assert page.startswith("<!doctype html>")
    assert "<h1>Of &lt;b&gt; &amp; a|b</h1>" in page
    assert '<td class=number><span class="mark bad">worse</span></td>' in page
    assert "<svg xmlns" in page
    assert "<?xml" not in page
    assert not re.findall(r"<(?:link|script|img)\b|@import|url\(", page)
    assert "prefers-color-scheme: dark" in page


def test_markdown_keeps_text_text():
    text = markdown.render(DOCUMENT, pictures="figures")
    assert "# Of \\<b> & a|b\n\nIt says \\*much\\*." in text
    assert "a\\_b and \\`c\\`" in text
    assert "| name | value |\n| --- | ---: |\n| x\\|y | 1.5 |\n| z | **worse** |" in text
    assert "![A \\[curve\\].](figures/curve.svg)" in text
    assert "````sh\n```\nrun <it>\n````" in text


def test_files_lie_beside_each_other(tmp_path):
    page = write(DOCUMENT, tmp_path / "out", beside={"sweep.yaml": "base: {}\n"})
    assert page == tmp_path / "out" / "report.html"
    files = {p.relative_to(tmp_path / "out").as_posix() for p in tmp_path.rglob("*.*")}
    assert files == {"report.html", "report.md", "figures/curve.svg", "sweep.yaml"}
    figure = (tmp_path / "out/figures/curve.svg").read_text()
    assert '<svg xmlns="http://www.w3.org/2000/svg" id="f">\n<style>:root {' in figure
    assert write(DOCUMENT, tmp_path / "out") == page


def test_a_folder_that_cannot_be_written_to_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ColrowError, match=r"the report cannot be written to .* --out"):
        write(DOCUMENT, tmp_path / "file")
