"""What is known of a dataset from the runs that were trained on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cnnlab.data import PARTS, Dataset
from cnnlab.page.context import Context
from cnnlab.page.listing import Line
from cnnlab.runs import Run
from cnnlab.workflows.tolerant import TolerantReader

__all__ = ["DataPage", "Known", "Samples", "data_page", "known_datasets", "samples_of"]

_EACH = 10
_MOST_CLASSES = 100


@dataclass(frozen=True)
class Known:
    """A dataset by its id and name, and the runs that were trained on it, newest first."""

    id: str
    name: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class DataPage:
    """One dataset, seen through a run.

    Attributes
    ----------
    facts: the dataset's part of split.json.
    sizes: images by part of the run's split.
    balance: class name -> images by part, in label order; empty where the images are gone.
    moments: mean and standard deviation of each channel of the training images, 0 to 1.
    problem: why there are no images to show.
    damage: what of the run cannot be read, a line each.
    """

    facts: dict[str, Any]
    sizes: dict[str, int]
    balance: list[tuple[str, list[int]]]
    moments: tuple[list[float], list[float]] | None
    problem: str | None
    damage: list[str]

    @property
    def origin(self) -> str:
        """The file, folder or package it came from; of a path its last part."""
        origin = str(self.facts.get("origin") or "")
        return Path(origin).name if Path(origin).is_absolute() else origin

    @property
    def largest(self) -> int:
        """The most images that a class has in a part: the length of the longest bar."""
        return max((count for _, counts in self.balance for count in counts), default=1) or 1


@dataclass(frozen=True)
class Samples:
    """Rows of training images, class by class."""

    classes: list[tuple[str, list[int]]]
    left_out: int


def known_datasets(lines: Sequence[Line]) -> list[Known]:
    """The datasets of runs, those of the newest runs first."""
    found: dict[str, list[Line]] = {}
    for line in lines:
        if line.dataset is not None:
            found.setdefault(line.dataset, []).append(line)
    return [Known(key, some[0].data or "?", tuple(some)) for key, some in found.items()]


def data_page(context: Context, run: Run) -> DataPage:
    """The dataset of a run; :class:`RunError` where its split.json cannot be read."""
    split = run.split
    facts = split["dataset"]
    reader = TolerantReader(run)
    preprocessing = reader.read(lambda: run.preprocessing, what="preprocessing.json")
    images = TolerantReader(run)
    dataset = images.read(lambda: context.images.of(run), what="the dataset")
    balance = reader.read(lambda: _balance(dataset, run), what="split.json") if dataset else None
    return DataPage(
        facts=facts,
        sizes={part: len(split[part]) for part in PARTS},
        balance=balance or [],
        moments=(preprocessing["mean"], preprocessing["std"]) if preprocessing else None,
        problem=images.problems[0] if images.problems else None,
        damage=reader.problems,
    )


def _balance(dataset: Dataset, run: Run) -> list[tuple[str, list[int]]]:
    rows = run.rows()
    classes = len(dataset.class_names)
    counts = [np.bincount(dataset.labels[rows.rows(part)], minlength=classes) for part in PARTS]
    columns = np.stack(counts, axis=1).tolist()
    return list(zip(dataset.class_names, columns, strict=True))


def samples_of(dataset: Dataset, run: Run) -> Samples:
    """Training images of each class, evenly spaced; test stays out of sight."""
    rows = np.sort(run.rows().train)
    labels = dataset.labels[rows]
    shown = dataset.class_names[:_MOST_CLASSES]
    classes = []
    for label, name in enumerate(shown):
        own = rows[labels == label]
        picks = np.linspace(0, len(own), min(_EACH, len(own)), endpoint=False).astype(np.int64)
        classes.append((name, own[picks].tolist()))
    return Samples(classes, len(dataset.class_names) - len(shown))
