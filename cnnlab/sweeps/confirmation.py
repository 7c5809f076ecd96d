"""The best trials on fresh seeds: who wins, and how much of the best trial's figure was luck.

The best of many noisy figures is too good: it was chosen because it is large. What the same
configuration gives with seeds that had no part in the choice is an honest figure of it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cnnlab.metrics import MeanDifference, SeedSummary, difference_by_seed, summarize
from cnnlab.sweeps.history import BASELINE

__all__ = ["Candidate", "Confirmation", "confirm"]


@dataclass(frozen=True)
class Candidate:
    """A configuration that was confirmed.

    Attributes
    ----------
    trial: its number.
    searched: its objective in the search; None where it has none.
    fresh: its objective by fresh seed.
    images: on how many it was measured, where it is an accuracy; None for a loss.
    """

    trial: int
    searched: float | None
    fresh: Mapping[int, float]
    images: int | None = None

    @property
    def summary(self) -> SeedSummary | None:
        """Mean, standard deviation and t interval over fresh seeds."""
        if not self.fresh:
            return None
        most = math.inf if self.images is None else 1.0
        return summarize(list(self.fresh.values()), images=self.images, most=most)

    @property
    def shift(self) -> float | None:
        """Its figure in the search minus the mean over fresh seeds."""
        summary = self.summary
        if summary is None or self.searched is None:
            return None
        return self.searched - summary.mean


@dataclass(frozen=True)
class Confirmation:
    """What fresh seeds say.

    Attributes
    ----------
    candidates: the best first, by the mean over fresh seeds; the base configuration among them.
    winner: the first; None where none has a figure.
    improvement: winner minus base configuration, paired by seed; None where it is the base
        configuration itself, or fewer than two seeds are shared.
    """

    candidates: tuple[Candidate, ...]
    winner: Candidate | None
    improvement: MeanDifference | None

    @property
    def baseline(self) -> Candidate | None:
        """The base configuration."""
        return next((one for one in self.candidates if one.trial == BASELINE), None)


def confirm(candidates: Sequence[Candidate], *, larger: bool) -> Confirmation:
    """Rank candidates by their means over the seeds that all of them have.

    A candidate that failed on a seed which others finished is no winner: it comes last.
    """
    most = max((len(one.fresh) for one in candidates), default=0)
    sign = -1 if larger else 1

    def key(one: Candidate) -> tuple[bool, float, int]:
        summary = one.summary
        mean = 0.0 if summary is None else sign * summary.mean
        return summary is None or len(one.fresh) < most, mean, one.trial

    ranked = sorted(candidates, key=key)
    winner = ranked[0] if ranked and ranked[0].fresh else None
    baseline = next((one for one in ranked if one.trial == BASELINE), None)
    improvement = None
    if winner is not None and baseline is not None and winner is not baseline:
        improvement = difference_by_seed(winner.fresh, baseline.fresh, images=winner.images)
    return Confirmation(tuple(ranked), winner, improvement)
