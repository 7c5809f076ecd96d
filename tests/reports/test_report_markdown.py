"""Markdown as an independent parser reads it."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from cnnlab.evaluation.figures.text import literal_text
from cnnlab.reports.document import (
    Code,
    Document,
    Figure,
    Heading,
    ItemList,
    KeyFigure,
    KeyFigures,
    Note,
    Paragraph,
    Table,
)
from cnnlab.reports.markdown import figure_files, render_markdown

#: What Markdown makes something of.
MARKUP = "*_`[]()<>|~$&!#-+=.1aZ \\:;\"'{}^@/\t\n"


class Rendered(HTMLParser):
    """The HTML that a Markdown reader makes: its elements and all its text."""

    def __init__(self, markdown: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.cells: list[str] = []
        self.blocks: list[str] = []
        reader = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
        self.feed(reader.render(markdown))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag in ("td", "th"):
            self.cells.append("")
        if tag in ("p", "h1", "h2", "li", "code"):
            self.blocks.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == "code":
            self.blocks.append("")  # what follows is outside

    def handle_data(self, data: str) -> None:
        if self.elements and self.elements[-1][0] in ("td", "th"):
            self.cells[-1] += data
        elif self.blocks:
            self.blocks[-1] += data

    def tags(self) -> list[str]:
        return [tag for tag, _ in self.elements]


def words(text: str) -> str:
    """As both Markdown and a reader see it: literal, runs of blanks as one."""
    return " ".join(literal_text(text).split())


@pytest.fixture(scope="module")
def markdown(document: Document) -> str:
    return render_markdown(document)


def test_every_figure_and_table_is_there(document: Document, markdown: str) -> None:
    rendered = Rendered(markdown)
    tables = [block for block in document.blocks if isinstance(block, Table)]
    figures = [block for block in document.blocks if isinstance(block, Figure)]
    assert rendered.tags().count("table") == len(tables)
    cells = [cell for table in tables for row in (table.header, *table.rows) for cell in row]
    assert [" ".join(cell.split()) for cell in rendered.cells] == [words(cell) for cell in cells]
    images = [attributes for tag, attributes in rendered.elements if tag == "img"]
    assert [image["src"] for image in images] == list(figure_files(document))
    assert [image["alt"] for image in images] == [words(figure.alt) for figure in figures]


def test_nothing_of_the_user_s_becomes_markup(markdown: str) -> None:
    tags = set(Rendered(markdown).tags())
    assert not tags & {"script", "a", "del", "ol"}
    assert tags <= {
        *("h1", "h2", "p", "ul", "li", "strong", "em", "table", "thead", "tbody", "tr", "th", "td"),
        *("pre", "code", "img", "blockquote", "hr"),
    }


def test_numbers_agree_with_those_of_the_page(markdown: str) -> None:
    assert "**Table 1.** " in markdown
    assert "*Figure 1. " in markdown
    assert "\n## 1 Summary\n" in markdown


def test_plain_names_and_numbers_keep_their_looks() -> None:
    text = render_markdown(Document("model_a-1 & 2", "80.5% (n = 10)", (), "f.g_h"))
    assert text.startswith("# model_a-1 & 2\n\n80.5% (n = 10)\n")


def test_two_figures_of_one_name_are_a_programming_error() -> None:
    figure = Figure("same", b"<svg/>", "alt", "caption")
    with pytest.raises(ValueError, match="share a name"):
        figure_files(Document("t", "s", (figure, figure), "f"))


@given(st.one_of(st.text(st.characters(), max_size=25), st.text(MARKUP, max_size=15)))
@example("1. a")
@example("a #")
@example("- a")
@example("===")
@example("---")
@example("~~a~~ **b** __c__ _d_ `e` <f> &amp; ![g](h)")
@example("a\\|b | c")
@example("# h")
@example("> q")
@example("``` f")
def test_any_text_is_read_literally_in_any_block(text: str) -> None:
    shown = words(text)
    table = Table.of([f"a{text}", "h"], [["x", text]], "t")
    blocks = (Paragraph(text), Heading(text), ItemList((text,)), table, Note(text))
    blocks += (KeyFigures((KeyFigure("label", text, text),)),)
    rendered = Rendered(
        render_markdown(Document(f"t {text}", "the subtitle", blocks, "the footer"))
    )
    assert [" ".join(cell.split()) for cell in rendered.cells][1:] == ["h", "x", shown]
    found = [" ".join(block.split()) for block in rendered.blocks]
    for expected in (f"1 {shown}".strip(), f"Note. {shown}".strip(), f"t {shown}".strip()):
        assert expected in found
    if shown:
        assert found.count(shown) == 2  # the paragraph and the item


@given(st.text("`ab\n ", max_size=20))
def test_code_is_kept_to_the_letter(text: str) -> None:
    rendered = Rendered(render_markdown(Document("t", "s", (Code(text),), "f")))
    assert rendered.blocks[2].removesuffix("\n") == text
