"""Training that ended too soon, and training that came to rest too early."""

from __future__ import annotations

from itertools import pairwise

from cnnlab.evaluation.curves.case import Case, StageCurve
from cnnlab.evaluation.curves.finding import Found, rule
from cnnlab.evaluation.curves.measures import (
    annealed,
    flat,
    held_losses,
    last_held,
    last_train,
    loss_noise,
    mean,
    percent,
)
from cnnlab.evaluation.curves.remedies import longer

__all__ = ["epoch_cap", "plateau"]

#: Over the last third of the epochs held-out loss fell by this share, and by more than a standard
#: error: as much again is worth the time.
_STILL_FALLING = 0.05
_LAST_SHARE = 3
#: A curve that also rises, by this share of its whole range, may just be on its way down again.
_CALM = 0.25
_LEAST_EPOCHS = 3

#: So many epochs to see that nothing moves.
_REST_EPOCHS = 8
#: A network that gets so many right has little left to learn.
_LEARNT = 0.98
#: Held-out accuracy that rose by less than this did not rise.
_NO_BETTER = 0.005


@rule("epoch-cap", title="Stopped while still improving")
def epoch_cap(case: Case) -> Found | None:
    """The last epochs were still getting better, at a rate that nothing had brought down."""
    if case.stopped_because is None or case.failed:
        return None
    timed = case.stopped_because.startswith("time limit")
    improving = [
        (stage, losses)
        for stage in case.stages
        if _cut_off(stage, timed=timed) and (losses := _still_falling(stage)) is not None
    ]
    if not improving:
        return None
    stage, (first, last) = max(improving, key=lambda one: 1 - one[1][1] / one[1][0])
    where = f"stage {stage.number}" if len(case.stages) > 1 else "training"
    by = "the time limit" if timed else f"the last of {len(stage.epochs)} epochs"
    evidence = (
        f"{where} was ended by {by} while the loss of "
        f"{case.held if stage.watched else 'training'} still fell: from {first:.3f} to {last:.3f} "
        "in the last third of the epochs"
    )
    return Found("moderate", evidence, *longer(case.config))


def _cut_off(stage: StageCurve, *, timed: bool) -> bool:
    return (timed or len(stage.epochs) >= stage.most_epochs) and not annealed(stage)


def _still_falling(stage: StageCurve) -> tuple[float, float] | None:
    """The loss before the last third and at the end, where it fell by enough."""
    epochs = stage.watched or stage.comparable
    losses = held_losses(epochs) or [epoch.train_loss for epoch in epochs]
    if len(losses) < _LEAST_EPOCHS:
        return None
    last = max(len(losses) // _LAST_SHARE, 1)
    before = min(losses[:-last])
    noise = loss_noise(before, stage.held_images if stage.watched else stage.train_images)
    calm = sum(max(b - a, 0.0) for a, b in pairwise(losses)) < _CALM * (max(losses) - min(losses))
    fell = before - losses[-1] > max(_STILL_FALLING * before, noise)
    return (before, losses[-1]) if fell and losses[-1] <= min(losses) and calm else None


@rule("plateau", title="Plateau")
def plateau(case: Case) -> Found | None:
    """Nothing moves any more in the last quarters, at a rate that was never lowered."""
    if not case.stages:
        return None
    stage = case.stages[-1]
    epochs, watched = stage.comparable, stage.watched
    if len(epochs) < _REST_EPOCHS or len(watched) < _REST_EPOCHS or annealed(stage):
        return None
    if max(last_train(epochs), last_held(watched)) >= _LEARNT:
        return None
    quarter = len(watched) // 4
    resting = flat([epoch.train_loss for epoch in epochs])
    if not resting:
        return None
    held = [epoch.held_accuracy or 0.0 for epoch in watched]
    before, late = mean(held[-2 * quarter : -quarter]), mean(held[-quarter:])
    if late - before > _NO_BETTER:
        return None
    evidence = (
        f"{case.held} accuracy was {percent(before)} in the last quarter of the epochs but one and "
        f"is {percent(late)} in the last, with the training loss at rest at "
        f"{epochs[-1].train_loss:.3f} (learning rate {epochs[-1].rate:g} throughout)"
    )
    settings = {"schedule.name": "cosine"}
    return Found("slight", evidence, "bring the learning rate down to the end", settings)
