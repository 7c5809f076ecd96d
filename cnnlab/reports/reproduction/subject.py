"""One of the report's models, trained again: the report's figures beside the run's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cnnlab.data import SOURCES
from cnnlab.errors import RunError
from cnnlab.evaluation.evaluate import Evaluation
from cnnlab.models import load_model_file, report_figures
from cnnlab.reports.record import RunRecord, records_of
from cnnlab.reports.wording import count, enumeration, flattened
from cnnlab.runs import Run

__all__ = ["Accuracies", "Subject", "primary_subjects", "subjects_of"]


class Accuracies(NamedTuple):
    """The report's three columns, as shares of 1; None where not measured.

    ``train``: of the epoch, in training mode. ``inner``: of the images held out inside the fit.
    ``validation``: of the fixed validation set.
    """

    train: float | None
    inner: float | None
    validation: float | None


@dataclass(frozen=True, eq=False)
class Subject:
    """A run of one of the report's models."""

    record: RunRecord

    @property
    def model(self) -> str:
        """The zoo's name, e.g. "model-a"."""
        return str(self.record.run.config["model"]["name"])

    @property
    def letter(self) -> str:
        """What the report calls it, e.g. "A"."""
        return self.model.removeprefix("model-").upper()

    @property
    def title(self) -> str:
        """ "Model A", or "Model A, batches of 32" where the report used others."""
        batches = "" if self.is_primary else f", batches of {self._batch_size}"
        return f"Model {self.letter}{batches}"

    @property
    def _batch_size(self) -> int:
        return int(self.record.run.config["training"]["batch_size"])

    @property
    def is_primary(self) -> bool:
        """Whether it was trained with the report's batch size."""
        return self._batch_size == int(self._own_settings["training.batch_size"])

    @cached_property
    def figures(self) -> dict[str, Any]:
        """What the report gives: accuracies, matrices, minutes, layers."""
        return dict(report_figures()["models"][self.model])

    @cached_property
    def _own_settings(self) -> dict[str, Any]:
        """How the zoo's file says that the report trained it, by dotted key."""
        file = load_model_file(self.model)
        settings = {
            "training": file.training,
            "optimizer": file.optimizer,
            "normalization": file.normalization,
        }
        return dict(_leaves(settings))

    @property
    def reported(self) -> Accuracies:
        """The report's accuracies; that of the validation set from its confusion matrix."""
        matrix = self.reported_matrix("validation")
        share = None if matrix is None else float(np.trace(matrix) / matrix.sum())
        figures = self.figures
        return Accuracies(figures["train_accuracy"], figures["validation_accuracy"], share)

    @property
    def measured(self) -> Accuracies:
        """The run's accuracies, those of the epoch whose weights were kept."""
        chosen, validation = self.record.run.chosen_epoch or {}, self.validation
        return Accuracies(
            chosen.get("train_accuracy"),
            chosen.get("inner_accuracy"),
            validation.scores.top1 if validation else None,
        )

    def reported_matrix(self, split: str) -> NDArray[np.int64] | None:
        """The report's confusion matrix of "validation" or "test", rows are true classes."""
        counts = self.figures.get(f"{split}_confusion_matrix")
        return None if counts is None else np.array(counts, dtype=np.int64)

    @property
    def validation(self) -> Evaluation | None:
        """What the saved predictions of the validation set say."""
        return self.record.evaluation("validation")

    @property
    def test(self) -> Evaluation | None:
        """What the saved predictions of test say; None unless test was opened."""
        return self.record.evaluation("test")

    @property
    def same_classes(self) -> bool:
        """Whether the run's classes can stand beside the report's ten."""
        matrix = self.reported_matrix("validation")
        return matrix is not None and len(self.record.dataset["class_names"]) == len(matrix)

    @cached_property
    def deviations(self) -> list[str]:
        """In which known ways the run differs from what the report did, in words."""
        title = SOURCES.get(self.figures["dataset"]).title
        dataset = str(self.record.dataset["name"])
        said = [f"images: {dataset}; the report: {title}"] if dataset != title else []
        said += [
            f"{part} images: {count(size)}; the report: {count(wanted)}"
            for part, wanted in self._reported_sizes.items()
            if (size := self.record.images_in(part)) != wanted
        ]
        settings = dict(flattened(self.record.run.config))
        return said + [
            f"{key}: {settings.get(key)}; the report: {value}"
            for key, value in flattened(self._own_settings)
            if settings.get(key) != value
        ]

    @property
    def _reported_sizes(self) -> dict[str, int]:
        own, split = self._own_settings, report_figures()["split"]
        sequential = own["training.mode"] == "sequential"
        chunks = own["training.stages"] * own["training.stage_size"] if sequential else None
        return {**split, "train": chunks or split["train"]}


def subjects_of(runs: Sequence[Run]) -> list[Subject]:
    """Each run with the report's figures beside it, called after its model.

    Raises :class:`RunError` for a run of another model.
    """
    known = report_figures()["models"]
    subjects: list[Subject] = []
    for record in records_of(runs):
        model = record.run.config["model"]["name"]
        if model not in known:
            raise RunError(
                f"its model '{model}' is not the report's",
                where=record.run.path,
                expected=enumeration(sorted(known)),
            )
        title = Subject(record).title
        if title not in {subject.record.label for subject in subjects}:
            record.label = title
        subjects.append(Subject(record))
    return subjects


def _leaves(settings: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    pairs: list[tuple[str, Any]] = []
    for key, value in settings.items():
        inner = isinstance(value, dict) and value
        pairs += _leaves(value, f"{prefix}{key}.") if inner else [(f"{prefix}{key}", value)]
    return pairs


def primary_subjects(subjects: Sequence[Subject]) -> list[Subject]:
    """One evaluated run a model: the one with the report's batch size where there is one."""
    chosen: dict[str, Subject] = {}
    for subject in subjects:
        known = chosen.get(subject.model)
        if subject.validation and (known is None or (subject.is_primary > known.is_primary)):
            chosen[subject.model] = subject
    return list(chosen.values())
