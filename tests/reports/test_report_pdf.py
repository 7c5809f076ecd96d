"""The PDF, read back by pypdf."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pypdf import PdfReader

from cnnlab.errors import InputError
from cnnlab.evaluation.figures.text import literal_text
from cnnlab.reports.build import checked_formats
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
    Prose,
    ProseList,
    Quote,
    Span,
    Table,
    figures_of,
    numbered,
)
from cnnlab.reports.pdf import render_pages, render_pdf

NAMESPACE = b'xmlns="http://www.w3.org/2000/svg"'
SVG = b"<svg " + NAMESPACE + b' width="90pt" height="30pt"><path d="M0 0h9v9z"/></svg>'


def squeezed(text: str) -> str:
    """Without what setting a page adds or takes: spaces, line breaks, places to break at."""
    return re.sub(r"[\s\u200b\u00ad]+", "", text)


def read(content: bytes) -> PdfReader:
    return PdfReader(io.BytesIO(content))


def text_of(content: bytes) -> str:
    return squeezed("".join(page.extract_text() for page in read(content).pages))


@pytest.fixture(scope="module")
def content(document: Document) -> bytes:
    return render_pdf(document)


def test_every_text_of_the_report_stands_in_it(document: Document, content: bytes) -> None:
    text = text_of(content)
    for number, block in numbered(document.blocks):
        match block:
            case Heading():
                assert squeezed(f"{number}{block.text}") in text
            case Table() | Figure():
                assert squeezed(f"{number}.") in text
    # Of all cells; rows may go on on the next page, so cells are looked for one by one.
    cells = {c for b in document.blocks if isinstance(b, Table) for row in b.rows for c in row}
    plain = {c for c in cells if c.isascii() and "\n" not in c and len(c) < 40}
    assert len(plain) > 100
    assert [cell for cell in plain if squeezed(cell) not in text] == []


def test_class_names_are_shown_literally(content: bytes) -> None:
    text = text_of(content)
    for name in ("<script>alert(1)</script>", "$x^2$&\\alpha&lt;", "|pipe|`tick`*star*"):
        assert name in text
    assert "line\\nbreak" in text
    assert "über“naïve”" in text


def test_it_has_pages_with_numbers_an_outline_and_a_language(
    document: Document, content: bytes
) -> None:
    reader = read(content)
    pages = len(reader.pages)
    assert pages > 4
    for number, page in enumerate(reader.pages, start=1):
        assert squeezed(page.extract_text()).endswith(f"{number}/{pages}")
    sections = [b.text for b in document.blocks if isinstance(b, Heading) and b.level == 2]
    outline = [entry for entry in reader.outline if not isinstance(entry, list)]
    assert [re.sub(r"^\d+\s*", "", str(entry.title)) for entry in outline] == sections
    assert reader.metadata is not None
    assert reader.metadata.title == document.title
    assert reader.root_object["/Lang"] == "en"
    assert reader.root_object["/MarkInfo"]["/Marked"]


def alternatives(node: Any) -> Iterator[str]:
    """The alternative texts in the tree that a screen reader walks."""
    found = node.get_object() if hasattr(node, "get_object") else node
    if isinstance(found, list):
        for inner in found:
            yield from alternatives(inner)
    elif isinstance(found, dict):
        if "/Alt" in found:
            yield str(found["/Alt"])
        yield from alternatives(found.get("/K", []))


def test_figures_say_what_is_to_be_seen(document: Document, content: bytes) -> None:
    root = read(content).root_object["/StructTreeRoot"]
    said = [squeezed(text) for text in alternatives(root)]
    expected = [squeezed(literal_text(figure.alt)) for figure in figures_of(document)]
    assert [text for text in expected if text.isascii() and text not in said] == []


def test_the_same_document_gives_the_same_bytes(document: Document, content: bytes) -> None:
    assert render_pdf(document) == content


def test_without_typst_it_says_what_to_install(
    document: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "typst", None)
    with pytest.raises(InputError, match=r"Typst, which is not installed.*pip install typst"):
        render_pdf(document)
    with pytest.raises(InputError, match="Typst, which is not installed"):
        checked_formats(["html", "pdf"])


def test_a_wide_table_stays_on_the_page() -> None:
    """Nothing is drawn within a few points of the paper's edge."""
    names = [f"a rather long class name {number}" for number in range(20)]
    rows = [[name, *map(str, range(1000, 1020)), "20,000"] for name in names]
    matrix = Table.of(["True \\ predicted", *names, "images"], rows, "wide", compact=True)
    digest = Table.of(["a", "b", "c"], [["0123456789abcdef" * 8] * 3], "long words")
    code = Code("cnnlab train --config " + "x" * 300)
    blocks = (matrix, digest, code, Paragraph("y" * 400))
    for page in render_pages(Document("z" * 200, "s", blocks, "f"), dots_an_inch=72):
        image = Image.open(io.BytesIO(page)).convert("L")
        wide, tall = image.size
        for edge in ((0, 0, 40, tall), (wide - 40, 0, wide, tall)):
            assert image.crop(edge).getextrema() == (255, 255)


@settings(max_examples=30)
@given(st.text(st.characters(), max_size=30))
def test_any_text_can_be_set_in_any_block(text: str) -> None:
    spans = (Span(text, frozenset({"strong", "code"})), Span(text, frozenset(), "https://a.b/"))
    blocks = (
        Heading(text),
        Paragraph(text),
        Note(text),
        Code(text),
        ItemList((text,)),
        KeyFigures((KeyFigure(text, text, text),)),
        Table.of([text, "h"], [[text, text]], text),
        Figure("f", SVG, text, text),
        Prose(spans),
        ProseList(((Prose(spans), ProseList(((Prose(spans),),), 3)), ())),
        Quote((Prose(spans),)),
    )
    content = render_pdf(Document(text, text, blocks, text, byline=text))
    assert content.startswith(b"%PDF-")
