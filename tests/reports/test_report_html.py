"""The page: whole, literal, and in need of nothing else."""

from __future__ import annotations

import base64
import hashlib
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from cnnlab.reports.html import render_html

VOID = {"meta", "img", "link", "br", "hr", "input"}


class Page(HTMLParser):
    """What a browser would see: elements, attributes and the text of each element."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self._open: list[str] = []
        self.feed(source)
        self.close()
        assert self._open == []  # every element is closed

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)
            self.texts.setdefault(tag, []).append("")

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open:
            self.texts[self._open[-1]][-1] += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def source(document: Document) -> str:
    return render_html(document)


@pytest.fixture(scope="module")
def page(source: str) -> Page:
    return Page(source)


def test_the_page_asks_for_nothing(source: str, page: Page) -> None:
    assert not page.all("link")
    assert not page.all("iframe")
    for _, attributes in page.elements:
        assert not any(name.startswith("on") for name in attributes)
        for name in ("src", "href", "srcset", "action", "data"):
            target = attributes.get(name) or "#"
            assert target.startswith(("#", "data:image/svg+xml;base64,"))
    (style,) = page.texts["style"]
    assert "url(" not in style
    assert "@import" not in style
    assert "default-src 'none'" in source


def test_the_one_script_is_ours_and_the_only_one_that_may_run(source: str, page: Page) -> None:
    assert page.all("script") == [{}]
    (script,) = page.texts["script"]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'\"" in source
    for word in ("innerHTML", "eval(", "fetch(", "XMLHttpRequest", "import("):
        assert word not in script


def colours(style: str, start: str) -> dict[str, str]:
    block = style[style.index(start) :]
    return dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", block[: block.index("}")]))


def contrast(first: str, second: str) -> float:
    """By WCAG 2.2's definition of contrast ratio and relative luminance."""

    def luminance(colour: str) -> float:
        parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    dark, light = sorted((luminance(first), luminance(second)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("start", [":root", "prefers-color-scheme: dark"])
def test_letters_are_told_from_their_ground(page: Page, start: str) -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    (style,) = page.texts["style"]
    chosen = colours(style, start)
    for letters in ("ink", "soft", "accent"):
        for ground in ("paper", "wash"):
            assert contrast(chosen[letters], chosen[ground]) >= 4.5
    assert contrast(chosen["ink"], chosen["note"]) >= 4.5


def test_a_reader_who_hears_the_page_finds_the_way(page: Page) -> None:
    for landmark in ("header", "nav", "main", "footer"):
        assert len(page.all(landmark)) == 1
    assert page.all("html") == [{"lang": "en"}]
    assert {"class": "skip", "href": "#main"} in page.all("a")
    assert all(cell["scope"] in ("col", "row") for cell in page.all("th"))
    ids = {attributes.get("id") for _, attributes in page.elements}
    named = [a["aria-labelledby"] for _, a in page.elements if "aria-labelledby" in a]
    assert set(named) <= ids


def test_pictures_inside_the_page_ask_for_nothing_either(document: Document) -> None:
    figures = [block for block in document.blocks if isinstance(block, Figure)]
    for figure in figures:
        for element in ET.fromstring(figure.svg).iter():
            assert not element.tag.endswith("script")
            for name, value in element.attrib.items():
                if name.endswith("href"):
                    assert value.startswith(("#", "data:image/png;base64,"))


def test_every_figure_and_table_is_there(document: Document, page: Page) -> None:
    figures = [block for block in document.blocks if isinstance(block, Figure)]
    tables = [block for block in document.blocks if isinstance(block, Table)]
    images = page.all("img")
    assert [image["alt"] for image in images] == [literal_text(figure.alt) for figure in figures]
    shown = [base64.b64decode((image["src"] or "").partition(",")[2]) for image in images]
    assert shown == [figure.svg for figure in figures]
    assert len(page.all("table")) == len(tables)
    captions = page.texts["figcaption"]
    assert sorted(captions) == sorted(f" {literal_text(b.caption)}" for b in [*figures, *tables])


def test_alternative_texts_say_what_is_to_be_seen(document: Document) -> None:
    for block in document.blocks:
        if isinstance(block, Figure):
            assert len(block.alt) > 40
            assert block.alt != block.caption


def test_class_names_are_shown_literally(source: str, page: Page, odd_names: list[str]) -> None:
    assert source.count("<script") == 1  # ours
    cells = set(page.texts["th"])
    assert {literal_text(name) for name in odd_names} <= cells


def test_the_contents_lead_to_every_heading(page: Page) -> None:
    targets = [link["href"] for link in page.all("a")]
    headings = [attributes["id"] for tag in ("h2", "h3") for attributes in page.all(tag)]
    assert sorted(targets) == sorted(["#main", *(f"#{anchor}" for anchor in headings)])
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_the_page_reads_in_light_and_dark_on_paper_and_on_a_telephone(source: str) -> None:
    assert "prefers-color-scheme: dark" in source
    assert "@media print" in source
    assert 'name="viewport"' in source
    assert "overflow-x: auto" in source


def test_the_same_document_gives_the_same_page(document: Document, source: str) -> None:
    assert render_html(document) == source


def test_a_long_table_scrolls() -> None:
    def page_of(rows: int) -> str:
        table = Table.of(["a"], [["x"]] * rows, "")
        return render_html(Document("t", "s", (table,), "f"))

    assert 'class="scroll long"' in page_of(61)
    assert 'class="scroll long"' not in page_of(60)


@given(st.text(st.characters(), max_size=30))
def test_any_text_is_shown_literally_in_any_block(text: str) -> None:
    table = Table.of([text, "h"], [[text, text]], text)
    blocks = (Heading(text), Paragraph(text), Note(text), Code(text), ItemList((text,)), table)
    blocks += (KeyFigures((KeyFigure(text, text, text),)), Figure("f", b"<svg/>", text, text))
    page = Page(render_html(Document(text, text, blocks, text)))
    shown = literal_text(text)
    assert page.texts["title"] == [shown]
    assert page.texts["td"] == [shown]
    assert page.texts["th"] == [shown, "h", shown]
    assert page.texts["li"][-1] == shown
    assert page.texts["dt"] == page.texts["dd"] == page.texts["small"] == [shown]
    assert page.texts["h2"] == [f" {shown}"]
    assert page.texts["code"] == ["\n".join(map(literal_text, text.split("\n")))]
    assert page.all("img") == [{"src": "data:image/svg+xml;base64,PHN2Zy8+", "alt": shown}]
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f]", "".join(page.texts["p"]))
