"""A document as PDF, set by Typst: no LaTeX, no browser, no network.

The document goes to the template as JSON, so no text of it can be read as markup. Fonts are those
that Typst and matplotlib carry, and this machine's for scripts that these lack.
"""

from __future__ import annotations

import json
import re
from importlib import resources
from importlib.util import find_spec
from typing import Any, Literal

from cnnlab.errors import FailedError, InputError
from cnnlab.evaluation.figures.text import drawable_text, font_folder, literal_text, width_of
from cnnlab.reports.document import (
    Block,
    Code,
    Document,
    Figure,
    Heading,
    ItemList,
    KeyFigures,
    Prose,
    ProseList,
    Quote,
    Table,
    numbered,
)

__all__ = ["check_typst", "render_pages", "render_pdf"]

#: Width and height of the type area, in points: A4 without its margins.
_WIDTH, _HEIGHT = 476.0, 690.0
#: A word longer than that may be broken anywhere, or it would run out of its cell.
_LONG_WORD = 26
#: In what is typed, breaks are to be few: nearly a line's letters.
_CODE = 90
#: In a table of more letters a row than that, columns of long texts share the page's width.
_WIDE_TABLE, _WIDE_COLUMN = 90, 28
_SIZE = re.compile(rb'<svg[^>]*? width="([\d.]+)pt"', re.DOTALL)
_TALL = re.compile(rb'<svg[^>]*? height="([\d.]+)pt"', re.DOTALL)


def check_typst() -> None:
    """Raise :class:`InputError` where Typst is not installed."""
    if find_spec("typst") is None:
        raise InputError(
            "PDF needs Typst, which is not installed",
            expected="the Python package typst",
            todo="install it: python -m pip install typst (or cnnlab[pdf]), or take --format html",
        )


def render_pdf(document: Document) -> bytes:
    """Return the file; the same document gives the same bytes on the same machine.

    Raises :class:`InputError` where Typst is not installed.
    """
    (content,) = _compiled(document, "pdf")
    return content


def render_pages(document: Document, *, dots_an_inch: float = 96.0) -> list[bytes]:
    """Return the same pages as PNG files, for whoever wants to look at them."""
    return _compiled(document, "png", dots_an_inch)


def _compiled(document: Document, kind: Literal["pdf", "png"], ppi: float = 96.0) -> list[bytes]:
    check_typst()
    import typst

    template = (resources.files("cnnlab.reports") / "templates" / "report.typ").read_bytes()
    asked: dict[str, Any] = {
        "format": kind,
        "ppi": ppi,
        "sys_inputs": {"document": json.dumps(_plain(document))},
        "font_paths": [font_folder()],
    }
    made: Any
    try:
        made = typst.compile(template, **asked, pdf_standards="ua-1" if kind == "pdf" else [])
    except typst.TypstError:
        # PDF/UA, the standard for readers who hear it, refuses a letter in a figure that no font
        # has; the same pages without the claim to the standard are better than none.
        try:
            made = typst.compile(template, **asked)
        except typst.TypstError as error:
            raise FailedError(
                f"Typst could not set it: {error.message}",
                where="the PDF",
                todo="please report this; --format html shows the same",
            ) from error
    return list(made) if isinstance(made, list) else [made]


def _plain(document: Document) -> dict[str, Any]:
    return {
        "name": _shown(document.title),
        "authors": _shown(document.byline),
        "title": _breakable(document.title),
        "subtitle": _breakable(document.subtitle),
        "byline": _breakable(document.byline),
        "footer": _breakable(document.footer),
        "blocks": [_block(number, block) for number, block in numbered(document.blocks)],
    }


def _block(number: str, block: Block) -> dict[str, Any]:
    """A block as the template takes it."""
    return {"kind": block.kind, "number": number, **_content(block)}


def _content(block: Block) -> dict[str, Any]:
    match block:
        case Heading():
            return {"level": block.level, "text": _breakable(block.text)}
        case Code():
            lines = block.text.split("\n")
            return {"text": "\n".join(_breakable(line, _CODE) for line in lines)}
        case ItemList():
            return {"items": list(map(_breakable, block.items))}
        case KeyFigures():
            return {"figures": [_key_figure(*vars(f).values()) for f in block.figures]}
        case Table():
            return _table(block)
        case Figure():
            return _figure(block)
        case Prose():
            return {"spans": [_span(span.text, span.styles, span.link) for span in block.spans]}
        case ProseList():
            items = [[_block("", inner) for inner in item] for item in block.items]
            return {"items": items, "start": block.start}
        case Quote():
            return {"blocks": [_block("", inner) for inner in block.blocks]}
        case _:
            return {"text": _breakable(block.text)}


def _key_figure(label: str, value: str, detail: str) -> dict[str, str]:
    label = _breakable(label)
    return {
        "label": f"{label[:1].upper()}{label[1:]}",
        "value": _breakable(value),
        "detail": _breakable(detail),
    }


def _span(text: str, styles: frozenset[str], link: str) -> dict[str, Any]:
    return {"text": _breakable(text), "styles": sorted(styles), "link": link}


def _table(table: Table) -> dict[str, Any]:
    columns = list(zip(table.header, *table.rows, strict=True))
    longest = [max(width_of(_shown(cell)) for cell in column) for column in columns]
    wide = sum(longest) > _WIDE_TABLE
    return {
        "header": [_breakable(cell) for cell in table.header],
        "rows": [[_breakable(cell) for cell in row] for row in table.rows],
        "alignments": list(table.alignments),
        "widths": [min(size, 80) if size > _WIDE_COLUMN and wide else 0 for size in longest],
        "caption": _breakable(table.caption),
        "compact": table.compact,
    }


def _figure(figure: Figure) -> dict[str, Any]:
    width, height = (found.search(figure.svg) for found in (_SIZE, _TALL))
    share = 1.0
    if width and height:
        wide, tall = float(width[1]), float(height[1])
        # As large as it was drawn for, but within the page both ways.
        share = min(1.0, wide / _WIDTH, _HEIGHT * 0.8 / tall * wide / _WIDTH)
    return {
        "svg": figure.svg.decode("utf-8"),
        "width": share,
        "alt": _shown(figure.alt),
        "caption": _breakable(figure.caption),
    }


def _shown(text: str) -> str:
    r"""Literal text; a letter that no font here has becomes ``\u…``, as in pictures."""
    return drawable_text(literal_text(text))


def _breakable(text: str, longest: int = _LONG_WORD) -> str:
    """Literal text whose long words (digests, paths) may be broken anywhere."""
    plain = _shown(text)
    return re.sub(rf"\S{{{longest},}}", lambda word: "\u200b".join(word[0]), plain)
