"""The runs of a report that differ in their seeds alone, and the one that stands for them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass

from cnnlab.evaluation.compare import recipes_of
from cnnlab.evaluation.evaluate import SplitName
from cnnlab.metrics import SeedSummary, summarize
from cnnlab.reports.document import Block, Heading, Paragraph
from cnnlab.reports.record import RunRecord
from cnnlab.reports.wording import enumeration

__all__ = [
    "SeedGroup",
    "group_by_group",
    "grouped",
    "one_after_the_other",
    "seed_groups",
    "shared_or_named",
]


@dataclass(frozen=True, eq=False)
class SeedGroup:
    """Runs of one configuration, each with another seed; often a single run.

    Attributes
    ----------
    label: the group's name, or that of its only run.
    records: its runs, in the order of the report.
    """

    label: str
    records: tuple[RunRecord, ...]

    @property
    def is_single(self) -> bool:
        """Whether there is nothing to average over."""
        return len(self.records) == 1

    @property
    def shown(self) -> RunRecord:
        """The run that stands for all: that of the median validation accuracy."""
        return self.median("validation")

    def median(self, split: SplitName) -> RunRecord:
        """The run of the median accuracy on a split, of those that were evaluated there.

        Of an even number the lower of the two in the middle; of none the first run.
        """
        judged = self._judged(split)
        judged.sort(key=lambda pair: pair[0])
        return judged[(len(judged) - 1) // 2][1] if judged else self.records[0]

    def heading(self, split: SplitName = "validation") -> str:
        """What stands above the part of a section that shows the median of a split."""
        record, seeds = self.median(split), len(self._judged(split))
        if self.is_single or not seeds:
            return self.label
        if seeds == 1:
            return f"{record.label} (of {len(self.records)} seeds)"
        return f"{record.label} (the {'median' if seeds > 2 else 'lower'} of {seeds} seeds)"

    def summary(self, split: SplitName) -> SeedSummary | None:
        """Top-1 over the seeds that were evaluated; None where none was."""
        found = [e.scores for record in self.records if (e := record.evaluation(split))]
        images = min((scores.n for scores in found), default=None)
        return summarize([scores.top1 for scores in found], images=images) if found else None

    def _judged(self, split: SplitName) -> list[tuple[float, RunRecord]]:
        return [(e.scores.top1, r) for r in self.records if (e := r.evaluation(split))]


def seed_groups(records: Sequence[RunRecord]) -> list[SeedGroup]:
    """The runs brought together, in the order of the first of each group."""
    if len(records) == 1:
        return [SeedGroup(records[0].label, (records[0],))]
    by_path = {record.run.path: record for record in records}
    found = recipes_of([record.run for record in records], [record.label for record in records])
    return [
        SeedGroup(recipe.label, tuple(by_path[run.path] for run in recipe.runs)) for recipe in found
    ]


def one_after_the_other(
    records: Sequence[RunRecord], body: Callable[[RunRecord], list[Block]]
) -> list[Block]:
    """The blocks of one run of each group, under its name where there are several runs."""
    return group_by_group(records, SeedGroup.heading, lambda group: body(group.shown))


def group_by_group(
    records: Sequence[RunRecord],
    heading: Callable[[SeedGroup], str],
    body: Callable[[SeedGroup], list[Block]],
) -> list[Block]:
    """The blocks of each group, under its heading where there are several runs."""
    groups = seed_groups(records)
    if len(records) == 1:
        return body(groups[0])
    blocks: list[Block] = []
    for group in groups:
        blocks += [Heading(heading(group), level=3), *body(group)]
    return blocks


def grouped(
    records: Sequence[RunRecord],
    key: Callable[[RunRecord], Hashable],
    body: Callable[[RunRecord], list[Block]],
) -> list[Block]:
    """The blocks of each different ``key`` once, under the names of the runs that share it."""
    if len(records) == 1:
        return body(records[0])
    alike: dict[Hashable, list[RunRecord]] = {}
    for record in records:
        alike.setdefault(key(record), []).append(record)
    if len(alike) == 1:
        return [Paragraph("The same for all runs of this report."), *body(records[0])]
    groups = seed_groups(records)
    blocks: list[Block] = []
    for members in alike.values():
        blocks += [Heading(_names(members, groups), level=3), *body(members[0])]
    return blocks


def _names(members: Sequence[RunRecord], groups: Iterable[SeedGroup]) -> str:
    """Whole groups by their name, what is left by the names of the runs."""
    names: list[str] = []
    for group in groups:
        there = [record for record in group.records if record in members]
        whole = len(there) == len(group.records)
        names += [group.label] if whole else [record.label for record in there]
    return enumeration(names)


def shared_or_named(said: Sequence[tuple[str, Iterable[str]]]) -> list[str]:
    """Sentences of several runs, each once: as it is where all say it, else with who says it.

    ``said`` holds the name of each run and its sentences.
    """
    speakers: dict[str, list[str]] = {}
    for name, sentences in said:
        for sentence in dict.fromkeys(sentences):
            speakers.setdefault(sentence, []).append(name)
    return [
        sentence if len(names) == len(said) else f"{enumeration(names)}: {sentence}"
        for sentence, names in speakers.items()
    ]
