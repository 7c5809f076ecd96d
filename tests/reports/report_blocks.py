"""Sections of a report as blocks, words and tables."""

from __future__ import annotations

from collections.abc import Sequence

import cnnlab.reports.sections  # noqa: F401  # importing it registers the sections
from cnnlab.reports.document import Block, Figure, ItemList, KeyFigures, Table
from cnnlab.reports.record import records_of
from cnnlab.reports.section import SECTIONS
from cnnlab.runs import Run

__all__ = ["build", "said", "tables"]


def build(name: str, *runs: Run) -> list[Block]:
    return SECTIONS.get(name).build(records_of(runs))


def said(blocks: Sequence[Block]) -> str:
    """All words of some blocks."""
    words: list[str] = []
    for block in blocks:
        match block:
            case Table():
                words += [block.caption, *block.header, *(c for row in block.rows for c in row)]
            case Figure():
                words += [block.alt, block.caption]
            case ItemList():
                words += block.items
            case KeyFigures():
                words += [f"{f.label}: {f.value}, {f.detail}" for f in block.figures]
            case _:
                words.append(block.text)
    return "\n".join(words)


def tables(blocks: Sequence[Block]) -> list[Table]:
    return [block for block in blocks if isinstance(block, Table)]
