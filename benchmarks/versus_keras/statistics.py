"""What the records of both sides say: differences, intervals, verdicts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from harness.records import Record
from numpy.typing import NDArray

from cnnlab.metrics import MeanDifference, welch_difference

__all__ = ["MARGIN", "Compared", "Measure", "compared", "welch"]

#: The claim: the means lie within so much of each other (a share of 1: one point).
MARGIN = 0.01


def welch(a: Sequence[float], b: Sequence[float]) -> MeanDifference | None:
    """The mean of ``a`` minus that of ``b``; None below two each."""
    return welch_difference(a, b) if min(len(a), len(b)) >= 2 else None


@dataclass(frozen=True)
class Measure:
    """One accuracy of every training of a setting, by seed."""

    name: str
    ours: list[float]
    theirs: list[float]

    @property
    def apart(self) -> float:
        """Our mean minus theirs."""
        return float(np.mean(self.ours) - np.mean(self.theirs))

    @property
    def difference(self) -> MeanDifference | None:
        """The same with its error; None below two trainings a side."""
        return welch(self.ours, self.theirs)

    @property
    def inside_spread(self) -> bool | None:
        """Whether the means are nearer than two trainings of one side: than one seed's deviation.

        None below two trainings a side.
        """
        if self.difference is None:
            return None
        deviation = math.sqrt((np.var(self.ours, ddof=1) + np.var(self.theirs, ddof=1)) / 2)
        return abs(self.apart) <= deviation


@dataclass(frozen=True, eq=False)
class Compared:
    """One setting: the trainings of both sides, by seed."""

    model: str
    data: str
    train: int
    epochs: int
    keras: str
    ours: list[Record]
    theirs: list[Record]

    @property
    def stages(self) -> int:
        """Stages of its training."""
        return max(int(line["stage"]) for run in self.ours + self.theirs for line in run["curves"])

    @property
    def final(self) -> Measure:
        """Validation accuracy of the weights that training chose."""
        ours, theirs = (
            [float(run["validation"]["accuracy"]) for run in runs]
            for runs in (self.ours, self.theirs)
        )
        return Measure("final validation", ours, theirs)

    @property
    def training(self) -> Measure:
        """Accuracy on the batches while they were trained on: mean of the epochs that all have."""
        sides = [self.curve(runs, "train_accuracy") for runs in (self.ours, self.theirs)]
        common = ~np.isnan(np.concatenate(sides)).any(axis=0)
        ours, theirs = (side[:, common].mean(axis=1).tolist() for side in sides)
        return Measure(f"training, mean of {common.sum()} epochs", ours, theirs)

    def curve(self, runs: list[Record], series: str) -> NDArray[np.float64]:
        """Values ``[runs, stages * epochs]`` of a series; NaN for epochs that were not trained."""
        values = np.full((len(runs), self.stages * self.epochs), np.nan)
        for row, run in zip(values, runs, strict=True):
            for line in run["curves"]:
                row[(line["stage"] - 1) * self.epochs + line["epoch"] - 1] = line[series]
        return values


def compared(records: Sequence[Record]) -> list[Compared]:
    """Bring the records of both sides together; a setting that one side lacks is left out."""
    groups: dict[tuple[str, str, int, int], dict[str, list[Record]]] = {}
    for record in sorted(records, key=lambda record: int(record["seed"])):
        key = (record["model"], record["data"], record["train"], record["epochs"])
        groups.setdefault(key, {}).setdefault(record["side"], []).append(record)
    return [
        Compared(model, data, train, epochs, side, sides["cnnlab"], sides[side])
        for (model, data, train, epochs), sides in sorted(groups.items())
        for side in sorted(sides)
        if side != "cnnlab" and "cnnlab" in sides
    ]
