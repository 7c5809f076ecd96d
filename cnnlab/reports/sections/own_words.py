"""Sections that only the author can write: they are there where a text is (``--text``)."""

from __future__ import annotations

from collections.abc import Sequence

from cnnlab.reports.document import Block
from cnnlab.reports.record import RunRecord
from cnnlab.reports.section import section


def _nothing(_records: Sequence[RunRecord]) -> list[Block]:
    return []


for _name, _order, _title in (
    ("introduction", 5, "Introduction"),
    ("discussion", 105, "Discussion"),
    ("references", 118, "References"),
):
    section(_name, order=_order, title=_title)(_nothing)
