"""Validation that is too small for the differences that it shows."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from cnnlab.evaluation.curves.case import Case, StageCurve
from cnnlab.evaluation.curves.finding import Found, rule
from cnnlab.evaluation.curves.measures import half_width, last_held, mean, percent, points
from cnnlab.evaluation.curves.remedies import Remedy

__all__ = ["noisy_validation"]

#: Accuracies that are known to within less than this are good enough to choose by.
_WIDE = 0.03
#: So many epochs to see a curve go up and down, and how often it does in its second half.
_LEAST_EPOCHS, _TURNS = 6, 2
#: A dozen draws of the same range over five standard deviations, and 1.96 are a half-width.
_RANGE = 2.5
#: At most this share of the images may validate; as many as bring the width to this.
_LARGEST_SHARE, _WANTED = 0.3, 0.02


@rule("noisy-validation", title="Noisy validation")
def noisy_validation(case: Case) -> Found | None:
    """Epochs differ by no more than so many images make accuracies differ by chance."""
    if not case.stages:
        return None
    stage = case.stages[-1]
    if len(stage.watched) < _LEAST_EPOCHS:
        return None
    late = [epoch.held_accuracy or 0.0 for epoch in stage.watched][len(stage.watched) // 2 :]
    width, spread = half_width(mean(late), stage.held_images), max(late) - min(late)
    if width < _WIDE or _turns(late) < _TURNS or not 0 < spread <= _RANGE * width:
        return None
    evidence = (
        f"in the second half {case.held} accuracy goes up and down between {percent(min(late))} "
        f"and {percent(max(late))}, while {stage.held_images:,} images tell it to within "
        f"{points(width)} only: which epoch is best is chance"
    )
    return Found("slight", evidence, *_remedy(case, stage))


def _turns(values: Sequence[float]) -> int:
    """How often a curve changes from rising to falling or back."""
    steps = [b - a for a, b in itertools.pairwise(values) if b != a]
    return sum(first * second < 0 for first, second in itertools.pairwise(steps))


def _remedy(case: Case, stage: StageCurve) -> Remedy:
    accuracy = last_held(stage.watched)
    wanted = stage.held_images
    while half_width(accuracy, wanted) > _WANTED:
        wanted *= 2
    inner = case.held == "inner validation"
    whole = stage.train_images + stage.held_images if inner else case.images
    wanted = min(wanted, int(_LARGEST_SHARE * whole))
    if wanted < 1.5 * stage.held_images or (case.own_validation and not inner):
        return Remedy("the same with another seed, to see what chance does", _other_seed(case))
    if inner:
        share = round(wanted / whole, 2)
        return Remedy(f"hold out {percent(share)} of the images", {_INNER: share})
    settings: dict[str, int | None] = {"data.validation": wanted}
    if case.config.data.train is not None:
        settings["data.train"] = None  # it takes what is left
    return Remedy(f"validate with {wanted:,} images", settings)


_INNER = "training.inner_validation"


def _other_seed(case: Case) -> dict[str, int]:
    return {"seed": case.config.seed + 1}
