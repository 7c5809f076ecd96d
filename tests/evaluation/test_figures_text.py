"""Users' words: literal, drawable, short."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnlab.evaluation.figures import confusion_heat_map
from cnnlab.evaluation.figures import text as subject
from cnnlab.evaluation.figures.text import (
    drawable_text,
    is_drawable,
    literal_text,
    shortened,
    width_of,
)

ANY_TEXT = st.text(st.characters(), max_size=40)  # lone surrogates and controls included


@given(ANY_TEXT)
def test_literal_text_can_stand_in_an_xml_file(text: str) -> None:
    shown = literal_text(text)
    element = ET.Element("name")
    element.text = shown
    again = ET.fromstring(ET.tostring(element, "utf-8"))
    assert (again.text or "") == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("cat", "cat"),
        ("a\tb\r\n", r"a\tb\r\n"),
        ("\udce4", r"\udce4"),
        ("gpj.\u202eexe", r"gpj.\u202eexe"),
        ("猫 🐱 ü", "猫 🐱 ü"),
        ("<b>$x$\\", "<b>$x$\\"),
    ],
)
def test_only_what_cannot_be_seen_is_escaped(text: str, shown: str) -> None:
    assert literal_text(text) == shown


@given(st.text(max_size=60), st.integers(4, 40))
def test_shortened_text_fits_and_keeps_both_ends(text: str, columns: int) -> None:
    short = shortened(text, columns)
    assert width_of(short) <= columns
    if width_of(text) <= columns:
        assert short == text
    else:
        head, _, tail = short.partition("…")
        assert text.startswith(head)
        assert "…" in text or text.endswith(tail)


def test_wide_characters_count_twice() -> None:
    assert width_of("猫a") == 3
    assert shortened("猫" * 10, 9) == "猫猫猫…猫"


@given(ANY_TEXT)
def test_drawable_text_has_every_glyph(text: str) -> None:
    shown = drawable_text(literal_text(text))
    assert all(map(subject._has_glyph, shown))


@pytest.fixture
def only_the_carried_font(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine without a font for Chinese."""
    monkeypatch.setattr(subject, "font_families", lambda: ("DejaVu Sans",))
    monkeypatch.setattr("cnnlab.evaluation.figures.picture.font_families", lambda: ("DejaVu Sans",))


@pytest.mark.usefixtures("only_the_carried_font")
def test_a_letter_without_a_font_stays_text_in_svg_and_is_escaped_in_png() -> None:
    assert not is_drawable("猫")
    assert drawable_text("猫 cat") == r"\u732b cat"
    picture = confusion_heat_map([[1, 0], [0, 1]], ["猫", "cat"])
    root = ET.fromstring(picture.svg())
    assert "猫" in [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert picture.png().startswith(b"\x89PNG")  # a missing glyph would warn, which is an error


def test_text_from_right_to_left_is_left_to_the_reader_s_fonts() -> None:
    assert not is_drawable("שלום")
    root = ET.fromstring(confusion_heat_map([[1]], ["שלום"]).svg())
    assert "שלום" in [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]


def test_fonts_begin_with_the_one_that_matplotlib_carries() -> None:
    assert subject.font_families()[0] == "DejaVu Sans"
