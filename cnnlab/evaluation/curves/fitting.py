"""Overfitting and underfitting."""

from __future__ import annotations

from cnnlab.evaluation.curves.case import Case, StageCurve
from cnnlab.evaluation.curves.finding import Found, rule
from cnnlab.evaluation.curves.measures import (
    annealed,
    flat,
    half_width,
    held_losses,
    last_held,
    last_train,
    loss_noise,
    mean,
    percent,
    points,
)
from cnnlab.evaluation.curves.remedies import (
    larger_network,
    less_regularisation,
    longer,
    regularise,
)

__all__ = ["overfitting", "underfitting"]

#: Held-out loss has turned up where it lies by this share, and so many standard errors, above its
#: lowest.
_RISE, _RISE_ERRORS = 0.10, 3.0
#: Meanwhile training went on: its loss, or its errors, fell by so much.
_LOSS_FELL, _ERRORS_FELL = 0.05, 0.10
#: Of ten more images right in training one is the usual price of learning; the interval of the
#: held-out images may take no more than half of it away. Training figures are of augmented
#: images in training mode, so that the true gap is larger, never smaller.
_GAP, _SURE_GAP = 0.10, 0.05
#: From this gap on the accuracy reported is far from what the network could do.
_WIDE_GAP = 0.25

#: A network that gets so many right has learnt what there is; below, and with no gap, it has not.
_FITTED, _NO_GAP = 0.90, 0.05
#: A curve needs a few epochs before it can be called flat.
_FLAT_EPOCHS = 8


@rule("overfitting", title="Overfitting", explains=("plateau",))
def overfitting(case: Case) -> Found | None:
    """Training gets better while held-out images do not: by their loss, or by a wide gap.

    Losses are compared each with itself only: label smoothing, class weights and dropout move
    that of training.
    """
    found = [(stage, _turn(stage), _gap(case, stage)) for stage in case.stages]
    found = [(stage, turn, gap) for stage, turn, gap in found if turn or gap]
    if not found:
        return None
    stage, turn, gap = max(found, key=lambda one: last_gap(one[0]))
    best = min(stage.watched, key=lambda epoch: epoch.held_loss or 0.0).number
    remedy = regularise(case, best_epoch=best)
    serious = (turn and gap) or last_gap(stage) > _WIDE_GAP
    evidence = "; ".join(filter(None, (_levels(case, stage), turn)))
    return Found("serious" if serious else "moderate", evidence, *remedy)


def last_gap(stage: StageCurve) -> float:
    """Training accuracy minus that of held-out images, at the end."""
    return last_train(stage.watched) - last_held(stage.watched)


def _turn(stage: StageCurve) -> str:
    """How the held-out loss turned up while training went on; empty where it did not."""
    losses = held_losses(stage.watched)
    if len(losses) < 3:
        return ""
    lowest = min(range(len(losses)), key=losses.__getitem__)
    after = losses[lowest + 1 :]
    best, last = stage.watched[lowest], stage.watched[-1]
    if len(after) < 2:
        return ""
    end, noise = mean(after[-2:]), loss_noise(losses[lowest], stage.held_images)
    went_on = last.train_loss < (1 - _LOSS_FELL) * best.train_loss or (
        1 - last.train_accuracy < (1 - _ERRORS_FELL) * (1 - best.train_accuracy)
    )
    rise = end - losses[lowest]
    if not went_on or rise < max(_RISE * losses[lowest], _RISE_ERRORS * noise):
        return ""
    return (
        f"their loss rose from {losses[lowest]:.3f} (epoch {best.number}) to {end:.3f} while that "
        f"of training fell from {best.train_loss:.3f} to {last.train_loss:.3f}"
    )


def _gap(case: Case, stage: StageCurve) -> bool:
    """Whether training is ahead of held-out images by more than usual and more than chance."""
    # Balanced sampling trains on another mix of classes: accuracies on it are other figures.
    if not stage.watched or case.config.training.sampling == "balanced":
        return False
    gap, held = last_gap(stage), last_held(stage.watched)
    return gap >= _GAP and gap - half_width(held, stage.held_images) >= _SURE_GAP


def _levels(case: Case, stage: StageCurve) -> str:
    held = last_held(stage.watched)
    where = f"in stage {stage.number} " if len(case.stages) > 1 else ""
    return (
        f"{where}training accuracy is {percent(last_train(stage.watched))} at the end, that of "
        f"{stage.held_images:,} {case.held} images {percent(held)} "
        f"(within {points(half_width(held, stage.held_images))})"
    )


@rule("underfitting", title="Underfitting", explains=("plateau",))
def underfitting(case: Case) -> Found | None:
    """Training has come to rest with much still wrong, in training as on held-out images.

    The better of the two accuracies counts: augmentation and dropout lower that of training.
    """
    if not case.stages:
        return None
    stage = case.stages[-1]
    epochs = stage.comparable
    if len(epochs) < _FLAT_EPOCHS or not flat([epoch.train_loss for epoch in epochs]):
        return None
    train = last_train(epochs)
    held = last_held(stage.watched) if stage.watched else train
    known = max(train, held)
    if known >= _FITTED or train - held > _NO_GAP:
        return None
    easier = longer(case.config) if annealed(stage) else less_regularisation(case.config)
    beside = f", that of {case.held} at {percent(held)}" if stage.watched else ""
    evidence = (
        f"training accuracy has come to rest at {percent(train)}{beside}: the loss of training "
        "moved from "
        f"{epochs[-len(epochs) // 2].train_loss:.3f} to {epochs[-1].train_loss:.3f} in the second "
        "half"
    )
    return Found("moderate", evidence, *(easier or larger_network(case)))
