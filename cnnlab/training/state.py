"""Where a training stands, beside its tensors: plain numbers that go into a checkpoint's header."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from cnnlab.config import EarlyStoppingConfig
from cnnlab.runs import Run

__all__ = ["Clock", "EpochSums", "Patience", "Position", "TrainingState"]


@dataclass
class Position:
    """The next step to take; stage and epoch count from 1, step from 0 within its epoch."""

    stage: int = 1
    epoch: int = 1
    step: int = 0
    total_steps: int = 0


@dataclass
class EpochSums:
    """Running sums of the epoch under way, in double precision."""

    loss: float = 0.0
    correct: int = 0
    seen: int = 0

    def add(self, loss: float, correct: int, count: int) -> None:
        """Take in one batch: its mean loss, its right answers, its size."""
        self.loss += loss * count
        self.correct += correct
        self.seen += count


@dataclass
class Patience:
    """Early stopping, and which epoch is the best; starts anew with every stage."""

    best: float | None = None
    best_epoch: int = 0
    waited: int = 0

    def judge(self, value: float, epoch: int, *, larger: bool, min_delta: float = 0.0) -> bool:
        """Take in an epoch's figure; return whether it is the best so far."""
        gain = None if self.best is None else (value - self.best) * (1 if larger else -1)
        if gain is None or gain > min_delta:
            self.best, self.best_epoch, self.waited = value, epoch, 0
            return True
        self.waited += 1
        return False

    def exhausted(self, config: EarlyStoppingConfig | None) -> bool:
        """Whether early stopping ends the stage now."""
        return config is not None and self.waited >= config.patience


@dataclass
class Clock:
    """Seconds spent in training steps: all of them, and those of the epoch under way.

    It is saved beside the checkpoints and not in them, so that two runs of one configuration
    have the same checkpoints to the byte.
    """

    train_seconds: float = 0.0
    epoch_seconds: float = 0.0

    @staticmethod
    def file(run: Run) -> Path:
        """Where it is saved."""
        return run.checkpoints / "clock.json"

    @classmethod
    def read(cls, path: Path) -> Clock | None:
        """What was saved; None where it is missing or damaged."""
        try:
            saved = json.loads(path.read_text(encoding="utf-8"))
            seconds = cls(float(saved["train_seconds"]), float(saved["epoch_seconds"]))
        except (OSError, ValueError, LookupError, TypeError, RecursionError):
            return None
        whole = all(0 <= value < math.inf for value in asdict(seconds).values())
        return seconds if whole else None

    def add(self, seconds: float) -> None:
        """Take in the time of a step."""
        self.train_seconds += seconds
        self.epoch_seconds += seconds


@dataclass
class TrainingState:
    """All that a resumed training needs beside tensors, configuration, data and the clock."""

    position: Position = field(default_factory=Position)
    sums: EpochSums = field(default_factory=EpochSums)
    patience: Patience = field(default_factory=Patience)
    epochs_done: int = 0
    images_done: int = 0
    chosen_epoch: dict[str, int] | None = None
    stopped_because: str = ""

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> TrainingState:
        """Read what :meth:`to_dict` wrote."""
        return cls(
            position=Position(**record["position"]),
            sums=EpochSums(**record["sums"]),
            patience=Patience(**record["patience"]),
            epochs_done=record["epochs_done"],
            images_done=record["images_done"],
            chosen_epoch=record["chosen_epoch"],
            stopped_because=record["stopped_because"],
        )
