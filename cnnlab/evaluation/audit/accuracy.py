"""What a run's accuracy owes to images whose copies it was trained on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnlab.metrics.statistics import Interval, wilson_interval
from cnnlab.runs import Predictions

__all__ = ["Share", "TwinAccuracy", "twin_accuracy"]


@dataclass(frozen=True)
class Share:
    """Right answers among some images."""

    correct: int
    n: int

    @property
    def accuracy(self) -> float | None:
        """None where there is no image."""
        return self.correct / self.n if self.n else None

    @property
    def interval(self) -> Interval | None:
        """Wilson's 95% interval."""
        return wilson_interval(self.correct, self.n) if self.n else None

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        interval = self.interval
        return {
            "accuracy": self.accuracy,
            "interval": None if interval is None else list(interval),
            "correct": self.correct,
            "n": self.n,
        }


@dataclass(frozen=True)
class TwinAccuracy:
    """A split's accuracy on all images, on those without a copy in train, on those with one."""

    split: str
    everything: Share
    without_twins: Share
    twins: Share


def twin_accuracy(
    split: str, predictions: Predictions, groups: NDArray[np.int64], train: NDArray[np.int64]
) -> TwinAccuracy:
    """Divide saved predictions by whether an image's group has a row of ``train`` in it.

    ``groups`` int64 ``[N]`` is that of :class:`cnnlab.evaluation.audit.duplicates.Duplicates`.
    """
    right = predictions.classes == predictions.labels
    twin = np.isin(groups[predictions.indices], groups[train])
    all_, without, with_ = (
        Share(int(right[chosen].sum()), int(chosen.sum()))
        for chosen in (np.ones_like(twin), ~twin, twin)
    )
    return TwinAccuracy(split, all_, without, with_)
