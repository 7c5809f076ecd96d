"""Two runs on the same images: McNemar's test, and where they disagree."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from cnnlab.errors import RunError
from cnnlab.evaluation.evaluate import SplitName
from cnnlab.metrics import PairedComparison, compare_paired
from cnnlab.runs import Predictions, Run
from cnnlab.tables import text_table

__all__ = ["ClassDisagreement", "Disagreement", "disagreement_of", "same_images", "validated_alike"]

#: Rows of the dataset that are named in print; ``--json`` has all.
_NAMED = 5
_CLASSES = 10


def same_images(a: Run, b: Run, split: SplitName) -> tuple[Predictions, Predictions] | None:
    """The saved predictions of both on a split; None where they are not of the same images."""
    first, second = a.predictions(split), b.predictions(split)
    if first is None or second is None:
        return None
    same_data = a.split["dataset"]["fingerprint"] == b.split["dataset"]["fingerprint"]
    if not same_data or not np.array_equal(first.indices, second.indices):
        return None
    return first, second


def validated_alike(a: Run, b: Run, split: SplitName = "validation") -> PairedComparison | None:
    """Compare two runs on their saved predictions.

    None where one of them has none, or where they are of different images.
    """
    found = same_images(a, b, split)
    if found is None:
        return None
    first, second = found
    return compare_paired(first.classes == first.labels, second.classes == second.labels)


@dataclass(frozen=True)
class ClassDisagreement:
    """Of a class's ``n`` images, those that only one of two runs gets right."""

    name: str
    n: int
    only_a: int
    only_b: int


@dataclass(frozen=True)
class Disagreement:
    """Which images only one of two runs gets right.

    Attributes
    ----------
    only_a, only_b: rows of the dataset, ascending.
    by_class: one entry a class, in label order.
    """

    only_a: list[int]
    only_b: list[int]
    by_class: list[ClassDisagreement]

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "only_a": self.only_a,
            "only_b": self.only_b,
            "by_class": [
                {"class": c.name, **{k: v for k, v in asdict(c).items() if k != "name"}}
                for c in self.by_class
            ],
        }

    def to_text(self, a: str, b: str) -> str:
        """The classes on which they disagree most, and the first images of each kind."""
        worst = sorted(self.by_class, key=lambda c: -(c.only_a + c.only_b))[:_CLASSES]
        rows = [(c.name, c.n, c.only_a, c.only_b) for c in worst if c.only_a or c.only_b]
        header = ["class", "images", f"only {a} right", f"only {b} right"]
        named = [
            f"only {name} right, rows of the dataset: {', '.join(map(str, found[:_NAMED]))}"
            + (f" and {len(found) - _NAMED:,} more" if len(found) > _NAMED else "")
            for name, found in ((a, self.only_a), (b, self.only_b))
            if found
        ]
        table = text_table(header, rows) if rows else "they are right on the same images"
        return "\n".join(["where they disagree", table, *named])


def disagreement_of(a: Run, b: Run, split: SplitName) -> Disagreement | None:
    """Where two runs disagree; None where they are not of the same images."""
    found = same_images(a, b, split)
    if found is None:
        return None
    first, second = found
    right_a, right_b = first.classes == first.labels, second.classes == second.labels
    only_a, only_b = right_a & ~right_b, right_b & ~right_a
    names, classes = a.class_names, first.logits.shape[1]
    if len(names) != classes:
        raise RunError(
            f"{len(names)} class names for {classes} classes", where=a.path, todo="train it again"
        )
    counts = [
        np.bincount(first.labels[rows], minlength=len(names)).tolist()
        for rows in (np.ones(len(right_a), dtype=bool), only_a, only_b)
    ]
    return Disagreement(
        only_a=first.indices[only_a].tolist(),
        only_b=first.indices[only_b].tolist(),
        by_class=[ClassDisagreement(*entry) for entry in zip(names, *counts, strict=True)],
    )
