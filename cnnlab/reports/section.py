"""The sections that a report can have; one file a section stands in ``sections/``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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


def sections_of(
    records: Sequence[RunRecord], texts: Mapping[str, Sequence[Block]] | None = None
) -> list[Block]:
    """The blocks of all sections that have something to say of these runs.

    ``texts`` are the author's own words by section; they stand before what was measured.
    """
    blocks: list[Block] = []
    for name in sorted(SECTIONS, key=lambda name: SECTIONS.get(name).order):
        entry = SECTIONS.get(name)
        content = [*(texts or {}).get(name, ()), *entry.build(records)]
        if content:
            blocks += [Heading(entry.title), *content]
    return blocks
