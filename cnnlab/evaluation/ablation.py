"""What each ingredient is worth: accuracies without it against those of the whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from cnnlab.metrics import LEVEL, MeanDifference, difference_by_seed, holm

__all__ = ["Effect", "effects_of", "sentence_of"]


@dataclass(frozen=True)
class Effect:
    """One variant beside the whole.

    Attributes
    ----------
    name, title: what it is called.
    accuracies: validation accuracy by seed.
    difference: variant minus whole over the seeds that both have; None where that is one or none.
    p_holm: its p-value, adjusted for the number of variants (Holm, 1979).
    """

    name: str
    title: str
    accuracies: Mapping[int, float]
    difference: MeanDifference | None = None
    p_holm: float | None = None

    @property
    def estimate(self) -> tuple[float, float, float] | None:
        """The difference and the ends of its 95% interval; None where there is none."""
        difference = self.difference
        return None if difference is None else (difference.value, *difference.interval())

    @property
    def n(self) -> int:
        """Trainings that were finished."""
        return len(self.accuracies)

    @property
    def mean(self) -> float | None:
        """Mean accuracy; None where no training was finished."""
        return fmean(self.accuracies.values()) if self.accuracies else None

    @property
    def deviation(self) -> float | None:
        """Standard deviation over seeds; None for fewer than two."""
        return stdev(self.accuracies.values()) if self.n > 1 else None


def effects_of(
    whole: Mapping[int, float],
    variants: Sequence[tuple[str, str, Mapping[int, float]]],
    *,
    images: int | None = None,
) -> list[Effect]:
    """Compare each variant (name, title, accuracy by seed) with the whole, seed by seed.

    All share the split, of ``images`` images, and a seed draws the same order of images in each,
    so the test is paired.
    """
    differences = [
        difference_by_seed(accuracies, whole, images=images) for _, _, accuracies in variants
    ]
    adjusted = iter(holm([one.p_value for one in differences if one is not None]))
    return [
        Effect(name, title, accuracies, one, None if one is None else next(adjusted))
        for (name, title, accuracies), one in zip(variants, differences, strict=True)
    ]


def sentence_of(effect: Effect, whole: Effect) -> str:
    """What can be said of an ingredient, with the numbers it rests on."""
    if effect.mean is None:
        return f"{effect.title}: no training of it was finished."
    if whole.mean is None:
        return f"{effect.title}: no training of the whole was finished, so there is no difference."
    if effect.estimate is None or effect.p_holm is None:
        points = 100 * (effect.mean - whole.mean)
        return (
            f"{effect.title}: {abs(points):.2f} points {_direction(points)} in one training; "
            "one seed cannot tell that from chance."
        )
    mean, low, high = (100 * value for value in effect.estimate)
    shared = len(effect.accuracies.keys() & whole.accuracies.keys())
    numbers = (
        f"95% interval {low:+.2f} to {high:+.2f} over {shared} seeds, p = {effect.p_holm:.2g} "
        "after Holm"
    )
    if effect.p_holm < LEVEL:
        verdict = "what is left out helps" if mean < 0 else "what is left out harms"
        return f"{effect.title}: {abs(mean):.2f} points {_direction(mean)} ({numbers}): {verdict}."
    return (
        f"{effect.title}: {abs(mean):.2f} points {_direction(mean)} ({numbers}): these trainings "
        "cannot tell that from chance."
    )


def _direction(points: float) -> str:
    return "less" if points < 0 else "more"
