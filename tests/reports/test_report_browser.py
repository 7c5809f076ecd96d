"""The page in a real browser: wide and narrow, with and without its script."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cnnlab.reports.document import Document
from cnnlab.reports.html import render_html

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium: apt-get install chromium")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium, started once."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


@pytest.fixture(scope="module")
def address(
    document: Document, comparison_document: Document, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """One page with all that the two reports show."""
    blocks = (*document.blocks, *comparison_document.blocks)
    whole = Document("A title " * 20, "both", blocks, document.footer, byline="x" * 300)
    path: Path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(render_html(whole), encoding="utf-8")
    return path.as_uri()


@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("script", [True, False])
def test_nothing_overflows_and_nothing_is_asked_for(
    browser: Any, address: str, width: int, script: bool
) -> None:
    said, asked = [], []
    page = browser.new_page(viewport={"width": width, "height": 800}, java_script_enabled=script)
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    box = page.locator("body").bounding_box()
    assert box["width"] <= width
    if script:
        assert page.evaluate("document.documentElement.scrollWidth") == width
        broken = "[...document.images].filter((image) => !image.naturalWidth).length"
        assert page.evaluate(broken) == 0
    assert said == []
    assert [url for url in asked if not url.startswith("data:")] == [address]
    page.close()


def test_a_table_is_sorted_by_the_heading_that_is_pressed(browser: Any, address: str) -> None:
    page = browser.new_page()
    page.goto(address)
    table = page.locator("figure.table", has_text="Scores of each class").first.locator("table")
    heading = table.locator("th", has_text="F1")
    cells = table.locator("tbody td:nth-child(4)")
    before = cells.all_inner_texts()
    for order, expected in (
        ("ascending", sorted(before, key=float)),
        ("descending", sorted(before, key=float, reverse=True)),
        (None, before),
    ):
        heading.locator("button").press("Enter")
        assert cells.all_inner_texts() == expected
        assert heading.get_attribute("aria-sort") == order
    page.close()


def test_units_are_understood(browser: Any, tmp_path: Path) -> None:
    from cnnlab.reports.document import Table

    column = ["2 min 5 s", "1.5 MFLOPs", "-", "12", "1 h 0 min", "3 kFLOPs", "-4.5", "1,000"]
    rows = [[str(n), cell, "x"] for n, cell in enumerate(column)]
    table = Table.of(["what", "how much", "of"], rows, "units")
    path = tmp_path / "page.html"
    path.write_text(render_html(Document("t", "s", (table,), "f")), encoding="utf-8")
    page = browser.new_page()
    page.goto(path.as_uri())
    page.locator("th", has_text="how much").locator("button").click()
    assert page.locator("tbody td:nth-child(2)").all_inner_texts() == [
        "-4.5", "12", "2 min 5 s", "1,000", "3 kFLOPs", "1 h 0 min", "1.5 MFLOPs", "-"
    ]  # fmt: skip
    page.close()


def test_the_keyboard_leads_past_the_contents(browser: Any, address: str) -> None:
    page = browser.new_page()
    page.goto(address)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.close()


def test_it_follows_the_reader_s_light_or_dark(browser: Any, address: str) -> None:
    paper = "getComputedStyle(document.body).backgroundColor"
    for scheme, colour in (("light", "rgb(255, 255, 255)"), ("dark", "rgb(18, 24, 31)")):
        page = browser.new_page(color_scheme=scheme)
        page.goto(address)
        assert page.evaluate(paper) == colour
        page.close()
