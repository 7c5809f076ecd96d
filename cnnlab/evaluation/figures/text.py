"""Users' words (class names, run names) in pictures and documents: literal, and drawable."""

from __future__ import annotations

import unicodedata
from functools import cache
from pathlib import Path

__all__ = [
    "drawable_text",
    "font_families",
    "font_folder",
    "is_drawable",
    "literal_text",
    "shortened",
    "width_of",
]

#: Fonts with many scripts, asked for only where they are installed. matplotlib carries the first.
_BASE = "DejaVu Sans"
_WIDE_COVERAGE = (
    "Noto Sans CJK JP",
    "Noto Sans CJK SC",
    "Noto Sans CJK KR",
    "Source Han Sans",
    "Hiragino Sans",
    "PingFang SC",
    "Microsoft YaHei",
    "Yu Gothic",
    "Malgun Gothic",
    "WenQuanYi Zen Hei",
    "Droid Sans Fallback",
    "Arial Unicode MS",
    "Noto Sans",
    "Segoe UI Symbol",
)

#: Directions and isolates: invisible, and able to turn the text after them around.
_BIDI_CONTROLS = frozenset(
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")


def literal_text(text: str) -> str:
    r"""Show what cannot be seen (line breaks, control characters, lone surrogates) as ``\n`` etc.

    Everything else stays as it is, so that the text can stand in XML and UTF-8 files.
    """
    return "".join(
        _escaped(c)
        if unicodedata.category(c) in ("Cc", "Cs", "Cn", "Zl", "Zp") or c in _BIDI_CONTROLS
        else c
        for c in text
    )


def width_of(text: str) -> int:
    """Width in columns: 2 for a wide (East Asian) character, 0 for a combining mark, else 1."""
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    marks = sum(unicodedata.combining(c) != 0 for c in text)
    return len(text) + wide - marks


def shortened(text: str, columns: int) -> str:
    """Cut out the middle where ``text`` is wider than ``columns``, so both ends still tell."""
    if width_of(text) <= columns:
        return text
    tail = _prefix(text[::-1], (columns - 1) // 3)[::-1]
    return f"{_prefix(text, columns - 1 - width_of(tail))}…{tail}"


def _prefix(text: str, columns: int) -> str:
    end, used = 0, 0
    while end < len(text) and used + width_of(text[end]) <= columns:
        used += width_of(text[end])
        end += 1
    return text[:end]


@cache
def font_families() -> tuple[str, ...]:
    """Fonts to draw with, in the order in which a missing glyph is looked for."""
    from matplotlib.font_manager import fontManager

    installed = {font.name for font in fontManager.ttflist}
    return (_BASE, *(name for name in _WIDE_COVERAGE if name in installed))


def font_folder() -> str:
    """The folder of the fonts that matplotlib carries, for other programs to draw with."""
    from matplotlib import get_data_path

    return str(Path(get_data_path()) / "fonts" / "ttf")


@cache
def _covered_by(family: str) -> frozenset[int]:
    from matplotlib.font_manager import FontProperties, findfont, get_font

    path = findfont(FontProperties(family=[family]), fallback_to_default=False)
    return frozenset(get_font(path).get_charmap())


def is_drawable(text: str) -> bool:
    """Whether some font here has every glyph and the text runs from left to right."""
    return all(map(_has_glyph, text)) and not any(
        unicodedata.bidirectional(c) in ("R", "AL") for c in text
    )


def _has_glyph(character: str) -> bool:
    return character == "\n" or any(ord(character) in _covered_by(f) for f in font_families())


def drawable_text(text: str) -> str:
    r"""Replace characters that no font here has by their ``\u`` escape."""
    return "".join(c if _has_glyph(c) else _escaped(c) for c in text)
