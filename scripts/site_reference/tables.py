"""Tables and code in the generated pages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

__all__ = ["code", "plain", "table"]


def code(text: str) -> str:
    """Code that may stand in a table, whatever is in it."""
    return f"<code>{escape(text, quote=False).replace('|', '&#124;')}</code>" if text else ""


def plain(value: object) -> str:
    """A value as a settings file says it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; cells are Markdown, of one line each."""
    cells = [header, ["---"] * len(header), *rows]
    lines = ("| " + " | ".join(" ".join(cell.split()) for cell in row) + " |" for row in cells)
    return "\n".join(lines)
