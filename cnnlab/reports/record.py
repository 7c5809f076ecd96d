"""A run as the sections see it: everything is read once, and from the run directory alone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from cnnlab.data.dataset import Dataset
from cnnlab.errors import CnnlabError, RunError
from cnnlab.evaluation.compare import Comparison, compare
from cnnlab.evaluation.evaluate import Evaluation, SplitName, evaluation_of
from cnnlab.reports.wording import plural
from cnnlab.runs import Run, command_line

__all__ = ["RunRecord", "comparison_of", "records_of"]


class RunRecord:
    """One run directory.

    Attributes
    ----------
    run: the directory.
    label: what the report calls it, unique in the report.
    slug: the same for file names.
    """

    def __init__(self, run: Run, label: str, slug: str) -> None:
        self.run, self.label, self.slug = run, label, slug
        self._evaluations: dict[SplitName, Evaluation | None] = {}
        self._comparisons: dict[tuple[str, ...], Comparison] = {}

    @cached_property
    def dataset(self) -> dict[str, Any]:
        """The dataset's facts: name, class_names, image_shape, fingerprint ..."""
        return dict(self.run.split["dataset"])

    @cached_property
    def architecture(self) -> dict[str, Any]:
        """The layer table with totals."""
        return self.run.architecture_summary

    @cached_property
    def environment(self) -> dict[str, Any]:
        """Machine, versions and the choices made with their reasons."""
        return self.run.environment

    @cached_property
    def metrics(self) -> list[dict[str, Any]]:
        """A record an epoch."""
        return self.run.metrics

    @cached_property
    def result(self) -> dict[str, Any]:
        """How training ended; empty while it has not."""
        return self.run.result or {}

    @cached_property
    def ledger(self) -> list[dict[str, Any]]:
        """Each opening of test."""
        return self.run.ledger

    @cached_property
    def preprocessing(self) -> dict[str, Any] | None:
        """Image size, mean and std; None in a run that has lost them."""
        try:
            return self.run.preprocessing
        except CnnlabError:
            return None

    @cached_property
    def _opened(self) -> tuple[Dataset | None, str]:
        try:
            return self.run.open_dataset(offline=True), ""
        except CnnlabError as error:
            return None, error.what

    @property
    def images(self) -> Dataset | None:
        """The dataset itself; None where it is not on this machine as it was."""
        return self._opened[0]

    @property
    def without_images(self) -> str:
        """Why there are no images to show."""
        return (
            f"The images of {self.label} cannot be shown: {self._opened[1]}. Write the report "
            "again on a machine that has them."
        )

    def evaluation(self, split: SplitName) -> Evaluation | None:
        """What the saved predictions of a split say; None where there are none.

        Raises :class:`RunError` where they are of rows that the images, if these are here, lack.
        """
        if split not in self._evaluations:
            found = evaluation_of(self.run, split)
            if found is not None and self.images is not None:
                row = int(found.predictions.indices.max())
                if row >= len(self.images.images):
                    raise RunError(
                        f"predictions of row {row:,} of {len(self.images.images):,} images",
                        where=self.run.path / "predictions" / f"{split}.npz",
                        todo=f"run: {self._evaluate(split)}",
                    )
            self._evaluations[split] = found
        return self._evaluations[split]

    def images_in(self, part: str) -> int:
        """Images in "train", "validation" or "test"."""
        return len(self.run.split[part])

    @property
    def state(self) -> str | None:
        """What a reader must know of a training that did not finish; None where it did."""
        if not self.result:
            return (
                f"Training of {self.label} has not ended: it is running, or was cut off. "
                f"This report shows its first {plural(len(self.metrics), 'epoch')}."
            )
        if self.result.get("status") != "finished":
            status, reason = self.result.get("status"), self.result.get("stopped_because")
            return f"Training of {self.label} did not finish ({status}): {reason}."
        return None

    def without_predictions(self, split: SplitName) -> str:
        """Say that a split was not evaluated, and what to type; or that it holds no image."""
        if not self.images_in(split):
            return f"{self.label} has no {split} images, so nothing was measured on them."
        return (
            f"{self.label} has no saved {split} predictions. They are made by: "
            f"{self._evaluate(split)}"
        )

    def _evaluate(self, split: SplitName) -> str:
        return command_line("evaluate", self.run.path, "--split", split)


def records_of(runs: Sequence[Run]) -> list[RunRecord]:
    """Wrap runs, each directory once; runs that share a name are told apart by their path."""
    unique = {run.path.resolve(): run for run in runs}
    names = [run.name for run in unique.values()]
    records: list[RunRecord] = []
    for path, run in unique.items():
        label = run.name if names.count(run.name) == 1 else str(path)
        slug = re.sub(r"[^A-Za-z0-9._-]+", "-", Path(run.name).name) or "run"
        taken = {record.slug for record in records}
        numbers = (f"{slug}-{number}" for number in range(2, len(unique) + 2))
        records.append(RunRecord(run, label, next(s for s in (slug, *numbers) if s not in taken)))
    return records


def comparison_of(records: Sequence[RunRecord]) -> Comparison:
    """Two or more runs compared on validation, once however many sections ask."""
    known, labels = records[0]._comparisons, tuple(record.label for record in records)
    if labels not in known:
        known[labels] = compare([record.run for record in records])
    return known[labels]
