"""A run's accuracy on validation or test: logits saved, everything said computed from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cnnlab.data.dataset import Dataset
from cnnlab.data.source import Say, unsaid
from cnnlab.device import choose_device, set_up_torch
from cnnlab.errors import RunError
from cnnlab.evaluation.ledger import enter_test_opening
from cnnlab.inference import Preprocessing, load_network, predict_logits
from cnnlab.metrics import ClassScores, Scores, score
from cnnlab.models.layers import shape_text
from cnnlab.runs import Predictions, Run
from cnnlab.tables import ShownAsText, text_table

__all__ = ["Evaluation", "SplitName", "evaluate", "evaluation_of"]

SplitName = Literal["validation", "test"]

#: A wider matrix does not fit a terminal; the report and ``--json`` have it.
_LARGEST_PRINTED_MATRIX = 25


@dataclass(frozen=True, eq=False)
class Evaluation(ShownAsText):
    """One run on one split; everything in it follows from ``predictions/SPLIT.npz``."""

    run: Run
    split: str
    scores: Scores
    class_names: list[str]

    def headline(self) -> str:
        """Top-1 accuracy with its interval, in one line."""
        scores = self.scores
        low, high = scores.top1_interval
        return (
            f"{self.split} accuracy {scores.top1:.4f} "
            f"(95% interval {low:.4f} to {high:.4f}, n = {scores.n:,})"
        )

    def to_text(self) -> str:
        """What ``cnnlab evaluate`` prints: headline, confusion matrix, scores of every class."""
        scores, names = self.scores, self.class_names
        others = (
            f"macro F1 {scores.macro_f1:.4f}, balanced accuracy {scores.balanced_accuracy:.4f}, "
            f"NLL {scores.nll:.4f}, ECE {scores.ece:.4f} ({scores.ece_bins} equal-mass bins)"
        )
        per_class = text_table(
            ["class", "precision", "recall", "f1", "support"],
            [
                (name, *_measured(entry).values(), entry.support)
                for name, entry in zip(names, scores.per_class, strict=True)
            ],
        )
        parts = [f"{self.run.path}: {self.headline()}\n{others}", per_class]
        if len(names) <= _LARGEST_PRINTED_MATRIX:
            rows = zip(names, scores.matrix.tolist(), strict=True)
            matrix = text_table(
                ["true \\ predicted", *map(str, range(len(names)))],
                [(f"{index} {name}", *row) for index, (name, row) in enumerate(rows)],
            )
            title = "confusion matrix (rows: true classes, columns: predicted classes)"
            parts.insert(1, f"{title}\n{matrix}")
        return "\n\n".join(parts)

    def to_dict(self) -> dict[str, Any]:
        """What ``cnnlab evaluate --json`` prints."""
        scores = self.scores
        return {
            "run": str(self.run.path),
            "split": self.split,
            "n": scores.n,
            "top1": scores.top1,
            "top1_interval": list(scores.top1_interval),
            "top5": scores.top5,
            "macro_f1": scores.macro_f1,
            "balanced_accuracy": scores.balanced_accuracy,
            "nll": scores.nll,
            "brier": scores.brier,
            "ece": scores.ece,
            "ece_bins": scores.ece_bins,
            "class_names": self.class_names,
            "confusion_matrix": scores.matrix.tolist(),
            "confusion_matrix_axes": "rows are true classes, columns are predicted classes",
            "per_class": [
                {"class": name, **_measured(entry), "support": entry.support}
                for name, entry in zip(self.class_names, scores.per_class, strict=True)
            ],
        }


def _measured(entry: ClassScores) -> dict[str, float | None]:
    """A class's scores; None where there was nothing to divide by, so nothing was measured."""
    values = {"precision": entry.precision, "recall": entry.recall, "f1": entry.f1}
    return {name: None if name in entry.undefined else value for name, value in values.items()}


def evaluation_of(run: Run, split: SplitName) -> Evaluation | None:
    """What the saved predictions say; None where there are none."""
    predictions = run.predictions(split)
    if predictions is None:
        return None
    return _evaluation(run, split, score(predictions.logits, predictions.labels))


def _evaluation(run: Run, split: SplitName, scores: Scores) -> Evaluation:
    """Put scores and class names together; there are as many of both in a sound run."""
    names = run.class_names
    if len(names) != len(scores.per_class):
        raise RunError(
            f"{len(names)} class names for {len(scores.per_class)} classes",
            where=run.path / "split.json",
            todo="train it again",
        )
    return Evaluation(run, split, scores, names)


def evaluate(
    run: Run,
    split: SplitName = "validation",
    *,
    device: str | None = None,
    command: str | None = None,
    say: Say = unsaid,
) -> Evaluation:
    """Predict a split with the run's chosen weights, save the logits and score them.

    Opening test is written to the run's ledger, with ``command`` as its reason.
    Raises :class:`RunError` where the run has no weights, its data has changed, or the split
    holds no image.
    """
    config = run.typed_config()
    rows = np.array(run.split[split], dtype=np.int64)
    if not len(rows):
        raise RunError(f"its {split} split holds no image", where=run.path)
    set_up_torch(config.threads or 1)
    network = load_network(run, choose_device(device or config.device).name)
    dataset = run.open_dataset(say)
    preprocessing = Preprocessing.from_dict(run.preprocessing)
    _check_fit(run, dataset, preprocessing, rows)
    logits = predict_logits(network, dataset.images, preprocessing, rows=rows)
    scores = score(logits, dataset.labels[rows])
    made = _evaluation(run, split, scores)
    if split == "test":
        enter_test_opening(run, n=scores.n, top1=scores.top1, command=command)
    run.save_predictions(split, Predictions(logits, dataset.labels[rows], rows))
    return made


def _check_fit(
    run: Run, dataset: Dataset, preprocessing: Preprocessing, rows: NDArray[np.int64]
) -> None:
    """Raise :class:`RunError` where files of the run speak of other images than there are."""
    shape = dataset.image_shape
    architecture = run.architecture()
    for file, fits in (
        ("split.json", int(rows.max()) < len(dataset)),
        ("preprocessing.json", preprocessing.fits(shape)),
        ("architecture.yaml", architecture.input_shape == shape),
        ("architecture.yaml", architecture.classes == len(dataset.class_names)),
    ):
        if not fits:
            raise RunError(
                f"does not fit {dataset.name}: {len(dataset):,} images of {shape_text(shape)} in "
                f"{len(dataset.class_names)} classes",
                where=run.path / file,
                todo="train it again",
            )
