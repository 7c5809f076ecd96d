"""A document as one HTML file that needs nothing else: no request, nothing to load.

One small script sorts tables; the page's policy lets this one run and no other, and without it
the page shows the same.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from cnnlab.evaluation.figures.text import literal_text
from cnnlab.reports.document import Document, Heading, numbered

if TYPE_CHECKING:
    from jinja2 import Template

__all__ = ["render_html", "script_source"]

#: From so many rows on, a table scrolls within the page (on paper it is printed whole).
_LONG_TABLE = 60
#: Below so many rows there is nothing to sort, below so many columns nothing to sort by.
_SORTABLE_FROM = 3


def render_html(document: Document) -> str:
    """Return the whole page; the same document gives the same text.

    Every text is escaped, so that a class called ``<script>`` is shown and never run; styles are
    inside and figures are data URIs. The page follows the reader's light or dark setting.
    """
    blocks = [
        (number, number.lower().replace(" ", "-"), b) for number, b in numbered(document.blocks)
    ]
    headings = [(number, anchor, b) for number, anchor, b in blocks if isinstance(b, Heading)]
    return _template().render(
        document=document,
        blocks=blocks,
        headings=headings,
        long_table=_LONG_TABLE,
        sortable_from=_SORTABLE_FROM,
        style=_read("report.css"),
        script=_script(),
        script_source=script_source(),
    )


def script_source() -> str:
    """By what a content security policy lets the page's script run (CSP 3, section 2.3.1)."""
    digest = hashlib.sha256(f"\n{_script()}\n".encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


def _script() -> str:
    return _read("report.js")


def _read(name: str) -> str:
    folder = resources.files("cnnlab.reports") / "templates"
    return (folder / name).read_text(encoding="utf-8")


@cache
def _template() -> Template:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["literal"] = literal_text
    environment.filters["lines"] = lambda text: "\n".join(map(literal_text, text.split("\n")))
    environment.filters["data_uri"] = _data_uri
    return environment.from_string(_read("report.html"))


def _data_uri(svg: bytes) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(svg).decode('ascii')}"
