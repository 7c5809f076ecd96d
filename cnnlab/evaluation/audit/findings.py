"""All that an audit found, with the dataset that it was found in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cnnlab.data import Dataset
from cnnlab.evaluation.audit.accuracy import TwinAccuracy
from cnnlab.evaluation.audit.balance import Balance
from cnnlab.evaluation.audit.drift import Drift
from cnnlab.evaluation.audit.duplicates import Copies, Duplicates
from cnnlab.evaluation.audit.label_errors import LabelErrors
from cnnlab.evaluation.audit.quality import OddFile

__all__ = ["CHECKS", "CHECK_OF", "PROBLEMS", "Findings"]

#: What can be looked for.
CHECKS = ("images", "duplicates", "label-errors", "balance", "drift")

#: What can be counted as a failure, and what is counted.
PROBLEMS = {
    "broken-images": "image files that cannot be read, and images of one colour",
    "odd-images": "image files that are stretched, tiny or of an odd size",
    "duplicates": "images that repeat another one, exactly or nearly",
    "duplicates-across": "images with a copy in a part before theirs",
    "label-conflicts": "images of groups of copies that have more than one label",
    "label-errors": "labels that are likely wrong",
    "missing-classes": "classes without an image in some part",
    "drift": "parts that can be told from the first one",
}

#: The check that tells how many of a problem there are.
CHECK_OF = {
    "broken-images": "images",
    "odd-images": "images",
    "duplicates": "duplicates",
    "duplicates-across": "duplicates",
    "label-conflicts": "duplicates",
    "label-errors": "label-errors",
    "missing-classes": "balance",
    "drift": "drift",
}

Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Findings:
    """What was looked for and found; None stands for what was not looked for.

    Attributes
    ----------
    dataset: without the files that are broken.
    parts: the rows of each part that has any: the dataset's own, or those of a run's split.
    files: the file of each row; None where images do not come as files of their own.
    broken: why an image file cannot be used, by its path.
    odd: files unlike the rest.
    constant: rows of images of one colour.
    copies: of ``duplicates``, counted by parts.
    accuracy: of the run that was named, by split.
    left_out: why a check was not done, by check.
    seconds: how long each check took.
    """

    dataset: Dataset
    parts: Mapping[str, Rows]
    files: Sequence[str] | None
    broken: Mapping[str, str]
    odd: Sequence[OddFile]
    constant: Rows | None
    duplicates: Duplicates | None
    copies: Sequence[Copies]
    label_errors: LabelErrors | None
    balance: Balance | None
    drift: Sequence[Drift] | None
    accuracy: Sequence[TwinAccuracy]
    left_out: Mapping[str, str]
    seconds: Mapping[str, float]

    def part_of(self, row: int) -> str:
        """The part that a row is in; "-" for a row that a run's split leaves out."""
        number = int(self.part_numbers[row])
        return list(self.parts)[number] if number >= 0 else "-"

    @cached_property
    def part_numbers(self) -> Rows:
        """The how many-th part each row is in, int64 ``[N]``; -1 for none."""
        numbers = np.full(len(self.dataset), -1, dtype=np.int64)
        for number, rows in enumerate(self.parts.values()):
            numbers[rows] = number
        return numbers

    def name_of(self, row: int) -> str:
        """What to call an image: its file, or the number of its row."""
        return f"#{row}" if self.files is None else self.files[row]

    def class_of(self, row: int) -> str:
        """The class that its label says."""
        return self.dataset.class_names[int(self.dataset.labels[row])]

    def conflicting(self) -> Rows:
        """Rows of groups of copies that have more than one label, ascending."""
        if self.duplicates is None:
            return np.empty(0, np.int64)
        labels, groups = self.dataset.labels, self.duplicates.groups
        return np.flatnonzero(np.isin(groups, groups[labels != labels[groups]]))

    def pairs_by_interest(self) -> Rows:
        """Places of pairs: those across parts before those within, near before exact ones."""
        found = self.duplicates
        if found is None:
            return np.empty(0, np.int64)
        within = self.part_numbers[found.first] == self.part_numbers[found.second]
        return np.lexsort((found.second, found.likeness, found.exact, within))

    def _repeated_across(self, groups: Rows) -> int:
        """Images with a copy in any part before theirs; each counts once."""
        count, before = 0, np.empty(0, np.int64)
        for rows in self.parts.values():
            count += int(np.isin(groups[rows], groups[before]).sum())
            before = np.concatenate([before, rows])
        return count

    def counts(self) -> dict[str, int]:
        """How many of each of :data:`PROBLEMS` there are; what was not looked for is left out."""
        counts: dict[str, int] = {}
        if self.constant is not None:
            counts["broken-images"] = len(self.broken) + len(self.constant)
            counts["odd-images"] = len(self.odd)
        if self.duplicates is not None:
            counts["duplicates"] = len(self.dataset) - len(np.unique(self.duplicates.groups))
            counts["duplicates-across"] = self._repeated_across(self.duplicates.groups)
            counts["label-conflicts"] = len(self.conflicting())
        if self.label_errors is not None:
            counts["label-errors"] = len(self.label_errors.noise.suspects)
        if self.balance is not None:
            missing = self.balance.missing.values()
            counts["missing-classes"] = len({label for labels in missing for label in labels})
        if self.drift is not None:
            counts["drift"] = sum(drift.seen for drift in self.drift)
        return counts
