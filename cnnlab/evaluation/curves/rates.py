"""A learning rate that is too high, or too low."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from cnnlab.evaluation.curves.case import Case, Epoch, StageCurve
from cnnlab.evaluation.curves.finding import Found, rule
from cnnlab.evaluation.curves.measures import (
    last_held,
    last_train,
    loss_noise,
    mean,
    percent,
)
from cnnlab.evaluation.curves.remedies import rates

__all__ = ["rate_too_high", "rate_too_low"]

#: A rise of the training loss counts from this share of it, and so many standard errors, on.
_RISE, _RISE_ERRORS = 0.02, 3.0
#: All rises together are this share of the way from the highest to the lowest loss, in more than
#: one epoch: a curve that is on its way down has hardly any.
_ROUGH, _ROUGH_RISES = 0.5, 2
#: The training loss ends this far above its lowest, or above chance: it broke loose.
_BROKE_LOOSE = 1.3
_LEAST_EPOCHS = 4
#: How :class:`cnnlab.errors.DivergedError` says that a number was none any more.
_BROKE_DOWN = ("the loss became", "no longer a number")

#: A rate that is right lets the loss fall fast at first, so its second half falls less: at most
#: this share of the first half's fall. A straight line has not reached the bend.
_STRAIGHT = 0.7
#: A loss that falls this much faster for its rate in the second half falls because the rate does:
#: it was high enough for the weights to jump about.
_SETTLING = 2.0
#: It fell by less than this share in all.
_SMALL_FALL = 0.4
#: So many of its steps go down.
_STEADY = 0.8
_STRAIGHT_EPOCHS = 5
#: Between the halves, of the mean rate: it was brought up, or down.
_CHANGED = 1.5
_FITTED = 0.90

_ALL_OTHERS = (
    "overfitting",
    "underfitting",
    "rate-too-low",
    "epoch-cap",
    "plateau",
    "noisy-validation",
)


@rule("rate-too-high", title="Learning rate too high", explains=_ALL_OTHERS)
def rate_too_high(case: Case) -> Found | None:
    """The training loss broke down, broke loose, or goes up and down."""
    reason = case.stopped_because or ""
    if case.failed and any(words in reason for words in _BROKE_DOWN):
        return _broke_down(case)
    for stage in reversed(case.stages):
        found = _restless(case, stage)
        if found is not None:
            return found
    return None


def _broke_down(case: Case) -> Found:
    reason = (case.stopped_because or "").partition(";")[0]
    evidence = f"training broke down: {reason} (learning rate {case.config.optimizer.lr:g})"
    return Found("serious", evidence, *rates(case.config, 1 / 10))


def _restless(case: Case, stage: StageCurve) -> Found | None:
    losses = [epoch.train_loss for epoch in stage.comparable]
    if len(losses) < _LEAST_EPOCHS:
        return None
    rises = _rises(losses, stage.train_images)
    lowest, rate = min(losses), stage.comparable[-1].rate
    if losses[-1] > _BROKE_LOOSE * case.chance_loss:
        evidence = (
            f"the training loss is {losses[-1]:.3f} at the end, far above that of knowing nothing, "
            f"{case.chance_loss:.3f} (learning rate {rate:g})"
        )
        return Found("serious", evidence, *rates(case.config, 1 / 10))
    if rises and losses[-1] > _BROKE_LOOSE * lowest:
        evidence = (
            f"the training loss rose from {lowest:.3f} to {losses[-1]:.3f} at a learning rate of "
            f"{rate:g}"
        )
        return Found("serious", evidence, *rates(case.config, 1 / 10))
    if len(rises) >= _ROUGH_RISES and sum(rises) > _ROUGH * (max(losses) - lowest):
        evidence = (
            f"the training loss rose in {len(rises)} of {len(losses) - 1} epochs, by "
            f"{sum(rises):.3f} in all, while it ranged from {lowest:.3f} to {max(losses):.3f} "
            f"(learning rate {rate:g})"
        )
        return Found("moderate", evidence, *rates(case.config, 1 / 3))
    return None


def _rises(losses: Sequence[float], images: int) -> list[float]:
    """By how much the loss went up from an epoch to the next, where that was no chance."""
    return [
        after - before
        for before, after in itertools.pairwise(losses)
        if after - before > max(_RISE * before, _RISE_ERRORS * loss_noise(before, images))
    ]


@rule("rate-too-low", title="Learning rate too low", explains=("epoch-cap", "underfitting"))
def rate_too_low(case: Case) -> Found | None:
    """The training loss falls along a straight line, little by little, with much still wrong."""
    if not case.stages:
        return None
    stage = case.stages[-1]
    epochs = stage.comparable
    if len(epochs) < _STRAIGHT_EPOCHS or _warming_up(stage):
        return None
    losses = [epoch.train_loss for epoch in epochs]
    fall = losses[0] - losses[-1]
    known = max(last_train(epochs), last_held(stage.watched) if stage.watched else 0.0)
    small = 0 < fall < _SMALL_FALL * losses[0]
    if known >= _FITTED or not small or not _straight(epochs):
        return None
    evidence = (
        f"in {len(losses)} epochs the training loss fell from {losses[0]:.3f} to {losses[-1]:.3f} "
        f"along a straight line, to an accuracy of {percent(known)} (learning rate "
        f"{epochs[-1].rate:g})"
    )
    return Found("moderate", evidence, *rates(case.config, 3))


def _straight(epochs: Sequence[Epoch]) -> bool:
    """Whether the loss falls steadily, and in the second half as much for its rate as before."""
    losses, used = [epoch.train_loss for epoch in epochs], [epoch.rate for epoch in epochs]
    down = [after < before for before, after in itertools.pairwise(losses)]
    middle = len(losses) // 2
    first, second = losses[0] - losses[middle], losses[middle] - losses[-1]
    # Falls for the rates of the epochs that they took; those that are recorded end an epoch.
    passed = [mean(pair) for pair in itertools.pairwise(used)]
    first, second = first / sum(passed[:middle]), second / sum(passed[middle:])
    steady = mean([float(step) for step in down]) >= _STEADY
    settling = _fell(used) and second > _SETTLING * first
    return steady and not settling and second >= _STRAIGHT * first > 0


def _fell(used: Sequence[float]) -> bool:
    middle = len(used) // 2
    return mean(used[:middle]) > _CHANGED * mean(used[middle:])


def _warming_up(stage: StageCurve) -> bool:
    """Whether the rate was low on purpose in the first half, or in the second."""
    used = [epoch.rate for epoch in stage.comparable]
    middle = len(used) // 2
    return mean(used[middle:]) > _CHANGED * mean(used[:middle])
