"""What training tells those who watch it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = [
    "BatchDone",
    "EpochDone",
    "Event",
    "Notice",
    "RateTried",
    "RunOpened",
    "Watcher",
    "unwatched",
]


@dataclass(frozen=True)
class Notice:
    """One line: a choice and its reason, a file ignored, a stage that begins."""

    text: str


@dataclass(frozen=True)
class RunOpened:
    """A run directory is there, its records settled; what is told from now on is of this run."""

    path: Path


@dataclass(frozen=True)
class BatchDone:
    """A step was taken; figures are means over the epoch so far."""

    stage: int
    stages: int
    epoch: int
    epochs: int
    step: int
    steps: int
    loss: float
    accuracy: float
    images_per_second: float


@dataclass(frozen=True)
class EpochDone:
    """An epoch was finished: its line of ``metrics.jsonl`` and its time."""

    stages: int
    epochs: int
    record: dict[str, Any]
    seconds: float
    images_per_second: float
    best: bool


@dataclass(frozen=True)
class RateTried:
    """A step of the search for a learning rate was taken; the loss is smoothed."""

    step: int
    steps: int
    rate: float
    loss: float


Event = Notice | RunOpened | BatchDone | EpochDone | RateTried
Watcher = Callable[[Event], None]


def unwatched(event: Event) -> None:
    """Nobody watches."""
    del event
