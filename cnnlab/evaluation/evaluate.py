"""A run's accuracy on validation or test: logits saved, everything said computed from them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from cnnlab.data.dataset import Dataset
from cnnlab.data.source import Say, unsaid
from cnnlab.device import choose_device, set_up_torch
from cnnlab.errors import RunError
from cnnlab.evaluation.evaluation_text import evaluation_text
from cnnlab.evaluation.ledger import enter_test_opening
from cnnlab.evaluation.temperature import (
    Calibrated,
    calibrate,
    save_temperature,
    temperature_of,
)
from cnnlab.inference import Preprocessing, load_network, predict_logits
from cnnlab.metrics import (
    ClassScores,
    CoverageCurve,
    Interval,
    ReliabilityBin,
    Scores,
    at_temperature,
    coverage_curve,
    reliability_bins,
    score,
    softmax,
    top_k_accuracy,
    wilson_interval,
)
from cnnlab.metrics.checks import checked_count
from cnnlab.models.layers import shape_text
from cnnlab.runs import AnyRun, Predictions, Run, as_run
from cnnlab.tables import ShownAsText

if TYPE_CHECKING:
    from cnnlab.evaluation.figures import Picture

__all__ = ["SPLITS", "Evaluation", "SplitName", "evaluate", "evaluation_of"]

SplitName = Literal["validation", "test"]
#: What a run can be evaluated on, the open images first.
SPLITS: tuple[SplitName, ...] = ("validation", "test")

#: Where accuracy is told if only the surest images are answered.
COVERAGES = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1)
_TOP_K = 5


@dataclass(frozen=True, eq=False)
class Evaluation(ShownAsText):
    """One run on one split; everything in it follows from ``predictions/SPLIT.npz``.

    Attributes
    ----------
    top_k: how many of the largest logits count in ``top_k_share``; None: five where there are
        more classes than that.
    """

    run: Run
    split: str
    predictions: Predictions
    scores: Scores
    class_names: list[str]
    top_k: int | None = None

    def headline(self) -> str:
        """Top-1 accuracy with its interval, in one line."""
        scores = self.scores
        low, high = scores.top1_interval
        return (
            f"{self.split} accuracy {scores.top1:.4f} "
            f"(95% interval {low:.4f} to {high:.4f}, n = {scores.n:,})"
        )

    @cached_property
    def probabilities(self) -> NDArray[np.float64]:
        """Softmax of the logits, ``[N, C]``, at temperature 1: what the network itself says."""
        return softmax(self.predictions.logits)

    @cached_property
    def calibrated_probabilities(self) -> NDArray[np.float64]:
        """Softmax at the run's temperature, ``[N, C]``: what ``cnnlab predict`` says of them.

        At temperature 1 where none was fitted. :class:`RunError` where its file is damaged.
        """
        return at_temperature(self.predictions.logits, temperature_of(self.run) or 1.0)

    @cached_property
    def bins(self) -> list[ReliabilityBin]:
        """The bins behind the ECE."""
        return reliability_bins(self.probabilities, self.predictions.labels)

    @cached_property
    def calibrated(self) -> Calibrated | None:
        """What the temperature that was fitted on validation changes; None where there is none."""
        return calibrate(self.run, self.split, self.predictions)

    @cached_property
    def coverage(self) -> CoverageCurve:
        """Accuracy where only the surest images are answered."""
        return coverage_curve(self.probabilities, self.predictions.labels)

    @property
    def top_k_share(self) -> tuple[int, float, Interval] | None:
        """k, the share of images whose class is among the k likeliest, its Wilson interval."""
        k = self.top_k or (_TOP_K if len(self.class_names) > _TOP_K else None)
        if k is None:
            return None
        share = top_k_accuracy(self.predictions.logits, self.predictions.labels, k)
        return k, share, wilson_interval(round(share * self.scores.n), self.scores.n)

    def figure(self) -> Picture:
        """Reliability diagram, and accuracy against coverage."""
        from cnnlab.evaluation.figures import calibration_figure

        title = f"{self.run.name}, {self.scores.n:,} {self.split} images"
        return calibration_figure(self.bins, self.coverage, title=title)

    def matrix_figure(self) -> Picture:
        """The confusion matrix: rows are true classes, columns are predicted ones."""
        from cnnlab.evaluation.figures import confusion_heat_map

        return confusion_heat_map(self.scores.matrix, self.class_names)

    def to_text(self) -> str:
        """What ``cnnlab evaluate`` prints: headline, confusion matrix, scores of every class."""
        return evaluation_text(self)

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
            "macro_f1_interval": list(scores.macro_intervals.macro_f1),
            "balanced_accuracy": scores.balanced_accuracy,
            "balanced_accuracy_interval": list(scores.macro_intervals.balanced_accuracy),
            "nll": scores.nll,
            "brier": scores.brier,
            "ece": scores.ece,
            "ece_bins": scores.ece_bins,
            **self._confidence(),
            "class_names": self.class_names,
            "confusion_matrix": scores.matrix.tolist(),
            "confusion_matrix_axes": "rows are true classes, columns are predicted classes",
            "per_class": [
                {"class": name, **_class_record(entry)}
                for name, entry in zip(self.class_names, scores.per_class, strict=True)
            ],
        }

    def _confidence(self) -> dict[str, Any]:
        """What the probabilities are worth, as plain values."""
        found, curve = self.top_k_share, self.coverage
        return {
            "top_k": None
            if found is None
            else {"k": found[0], "accuracy": found[1], "interval": list(found[2])},
            "calibration": self.calibrated.to_dict() if self.calibrated else None,
            "reliability": [
                {"count": group.count, "confidence": group.confidence, "accuracy": group.accuracy}
                for group in self.bins
            ],
            "selective": {
                "area": curve.area,
                "points": [
                    {"coverage": share, "accuracy": curve.accuracy_at(share)} for share in COVERAGES
                ],
            },
        }


def _class_record(entry: ClassScores) -> dict[str, Any]:
    """A class's scores; None where there was nothing to divide by, so nothing was measured."""
    intervals = {"precision": entry.precision_interval, "recall": entry.recall_interval}
    return {
        **entry.measured(),
        **{
            f"{name}_interval": None if interval is None else list(interval)
            for name, interval in intervals.items()
        },
        "support": entry.support,
    }


def evaluation_of(run: Run, split: SplitName, *, top_k: int | None = None) -> Evaluation | None:
    """What the saved predictions say; None where there are none."""
    predictions = run.predictions(split)
    return None if predictions is None else _evaluation(run, split, predictions, top_k)


def _evaluation(run: Run, split: str, predictions: Predictions, top_k: int | None) -> Evaluation:
    """Score predictions; there are as many class names as classes in a sound run."""
    names, scores = run.class_names, score(predictions.logits, predictions.labels)
    if len(names) != len(scores.per_class):
        raise RunError(
            f"{len(names)} class names for {len(scores.per_class)} classes",
            where=run.path / "split.json",
            todo="train it again",
        )
    return Evaluation(run, split, predictions, scores, names, top_k)


def evaluate(
    run: AnyRun,
    split: SplitName = "validation",
    *,
    top_k: int | None = None,
    device: str | None = None,
    command: str | None = None,
    say: Say = unsaid,
) -> Evaluation:
    """Predict a split with a run's chosen weights, save the logits and score them.

    On validation the temperature is fitted and kept, too. Opening test is written to the run's
    ledger, with ``command`` as its reason. Raises :class:`RunError` where the run has no weights,
    its data has changed, or the split holds no image, and ``InputError`` for a ``top_k`` beyond
    the number of classes, before anything is opened.
    """
    run = as_run(run)
    config = run.typed_config()
    if top_k is not None:
        checked_count(top_k, name="top-k", low=1, high=len(run.class_names))
    rows = np.array(run.split[split], dtype=np.int64)
    if not len(rows):
        raise RunError(f"its {split} split holds no image", where=run.path)
    set_up_torch(config.threads or 1)
    network = load_network(run, choose_device(device or config.device).name)
    dataset = run.open_dataset(say)
    preprocessing = Preprocessing.from_dict(run.preprocessing)
    _check_fit(run, dataset, preprocessing, rows)
    logits = predict_logits(network, dataset.images, preprocessing, rows=rows)
    predictions = Predictions(logits, dataset.labels[rows], rows)
    evaluation = _evaluation(run, split, predictions, top_k)
    if split == "test":
        scores = evaluation.scores
        enter_test_opening(run, n=scores.n, top1=scores.top1, command=command)
    else:
        # Before the predictions: where these are, a run counts as evaluated.
        save_temperature(run, predictions)
    run.save_predictions(split, predictions)
    return evaluation


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
