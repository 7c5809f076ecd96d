"""A notebook as a page: words and code, as they stand in it."""

from __future__ import annotations

import json
from pathlib import Path

__all__ = ["notebook_page"]


def notebook_page(path: Path) -> str:
    """Markdown of a notebook's cells, with a link to the notebook itself behind the title."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    title, *rest = (_cell(cell) for cell in cells)
    note = (
        f"This page is the notebook [{path.name}]({path.name}), which the tests run. It is kept "
        "without what its cells print: run it to see."
    )
    return "\n\n".join([title, note, *rest]) + "\n"


def _cell(cell: dict[str, str | list[str]]) -> str:
    source = "".join(cell["source"])
    return source if cell["cell_type"] == "markdown" else f"```python\n{source}\n```"
