"""All that a sweep's document says, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cnnlab.evaluation.figures import ParallelAxis, Scale

__all__ = ["CandidateRow", "SweepRecord", "TrialRow"]


@dataclass(frozen=True)
class TrialRow:
    """A trial: its values as texts and as places on their axes, and what became of it.

    ``value`` is the objective, of one that was stopped early where it stood; ``chosen``: it was
    trained on fresh seeds.
    """

    number: int
    values: tuple[str, ...]
    places: tuple[float | None, ...]
    state: str
    value: float | None
    epochs: int
    seconds: float | None
    said: str
    chosen: bool


@dataclass(frozen=True)
class CandidateRow:
    """A configuration on fresh seeds, the winner first.

    ``shift`` is its figure in the search minus the mean.
    """

    trial: int
    searched: float | None
    fresh: tuple[float, ...]
    mean: float | None
    deviation: float | None
    interval: tuple[float, float] | None
    shift: float | None


@dataclass(frozen=True)
class SweepRecord:
    """All that the document says.

    Attributes
    ----------
    objective: "accuracy" or "loss".
    keys, axes: the settings that were searched, as dotted keys and as figure axes.
    best: the trial with the best figure in the search.
    winner: the trial to take; ``confirmed``: fresh seeds chose it.
    improvement: winner minus base configuration with its 95% interval and p; None: not known.
    importance: shares by key, and of how many trials; None where there were too few.
    facts: what was asked for, as (name, value) pairs.
    images: what every trial was judged on.
    train, again: commands, the one that trains the winner and the one that goes on.
    """

    name: str
    objective: str
    keys: tuple[str, ...]
    axes: tuple[ParallelAxis, ...]
    trials: tuple[TrialRow, ...]
    candidates: tuple[CandidateRow, ...]
    best: int
    winner: int
    confirmed: bool
    improvement: tuple[float, float, float, float] | None
    importance: tuple[Mapping[str, float], int] | None
    facts: tuple[tuple[str, str], ...]
    images: int
    data: str
    seconds: float
    train: str
    again: str

    @property
    def accuracy(self) -> bool:
        """Whether the objective is a share of right answers, and larger is better."""
        return self.objective == "accuracy"

    @property
    def scale(self) -> Scale:
        """How the figures draw the objective."""
        if self.accuracy:
            return Scale("validation accuracy (%)", 100.0, larger=True)
        return Scale("validation loss (nats)", 1.0, larger=False)
