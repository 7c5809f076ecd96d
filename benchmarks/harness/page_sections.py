"""A part of a page that several programs write: each replaces its own and leaves the rest."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from cnnlab.files import write_text

__all__ = ["markdown_table", "put_section"]


def put_section(page: Path, name: str, content: str, *, title: str) -> None:
    """Put ``content`` between the marks of ``name`` in a Markdown page, at its end if it has none.

    A page that is not there is begun with ``title``.
    """
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    section = f"{begin}\n\n{content.strip()}\n\n{end}"
    text = page.read_text(encoding="utf-8") if page.exists() else f"# {title}\n"
    marked = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    if marked.search(text):
        text = marked.sub(lambda _: section, text)
    else:
        text = f"{text.rstrip()}\n\n{section}\n"
    write_text(page, text)


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[object]], *, words: int = 1) -> str:
    """A table whose first ``words`` columns are text and whose others are numbers."""
    rule = [":---" if column < words else "---:" for column in range(len(head))]
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in (head, rule, *rows))
