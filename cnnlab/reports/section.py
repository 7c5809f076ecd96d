"""The sections that a report can have; one file a section stands in ``sections/``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cnnlab.registry import Registry
from cnnlab.reports.document import Block, Heading
from cnnlab.reports.record import RunRecord

__all__ = ["SECTIONS", "Build", "Section", "section", "sections_of"]

#: From the runs of a report to a section's blocks, without its heading; none: no such section.
Build = Callable[[Sequence[RunRecord]], list[Block]]


@dataclass(frozen=True)
class Section:
    """A section: where it stands among the others, what it is called, what makes it."""

    order: int
    title: str
    build: Build


#: Every section, by name.
SECTIONS: Registry[Section] = Registry("report section")


def section(name: str, *, order: int, title: str) -> Callable[[Build], Build]:
    """Register the function that makes a section; sections stand in the order of ``order``."""

    def register(build: Build) -> Build:
        SECTIONS.add(name, Section(order, title, build))
        return build

    return register


def sections_of(records: Sequence[RunRecord]) -> list[Block]:
    """The blocks of all sections that have something to say of these runs."""
    blocks: list[Block] = []
    for entry in sorted(map(SECTIONS.get, SECTIONS), key=lambda entry: entry.order):
        content = entry.build(records)
        if content:
            blocks += [Heading(entry.title), *content]
    return blocks
