"""A network that says the same of every image."""

from __future__ import annotations

import math

from cnnlab.evaluation.curves.case import Case
from cnnlab.evaluation.curves.finding import Found, rule
from cnnlab.evaluation.curves.measures import last_train, percent
from cnnlab.evaluation.curves.remedies import Remedy, longer, rates

__all__ = ["collapse"]

#: One class is said of nearly all images, though it is not that of most.
_ONE_CLASS, _MOST = 0.95, 0.80
#: The loss lies this close to that of knowing nothing but the classes' shares; far above it, the
#: network is sure of what is wrong, which is another trouble.
_STUCK, _FAR_ABOVE = 0.97, 1.3
#: A network that learns nothing, slowly, never had a loss above chance by more than this.
_ABOVE_CHANCE = 1.02
#: So far above the largest class's share, and two standard errors, accuracy shows learning.
_LEARNT = 0.02
#: So far above it, the network has learnt, and it is how it is evaluated that differs.
_FAR_LEARNT = 0.2


@rule(
    "collapse",
    title="Collapse",
    explains=(
        "overfitting",
        "underfitting",
        "rate-too-high",
        "rate-too-low",
        "epoch-cap",
        "plateau",
        "noisy-validation",
        "forgetting",
    ),
)
def collapse(case: Case) -> Found | None:
    """One class is predicted for all images, or the loss stays at that of knowing nothing."""
    if not case.stages:
        return None
    found = [said for said in (_one_class(case), _stuck(case)) if said]
    if not found:
        return None
    return Found("serious", "; ".join(found), *_remedy(case))


def _one_class(case: Case) -> str:
    answers = case.answers
    if answers is None or answers.top_share < _ONE_CLASS or answers.majority > _MOST:
        return ""
    said = (
        f"{percent(answers.top_share)} of the validation images get one and the same class, "
        f"though the largest has {percent(answers.majority)} of them"
    )
    if _learnt_in_training(case):
        trained = percent(last_train(case.stages[-1].epochs))
        said += (
            f"; in training {trained} were right: after so few steps the moving averages of batch "
            "normalisation, which evaluation uses, may not have caught up"
        )
    return said


def _learnt_in_training(case: Case) -> bool:
    return last_train(case.stages[-1].epochs) > case.majority + _FAR_LEARNT


def _stuck(case: Case) -> str:
    stage = case.stages[-1]
    last, chance = stage.epochs[-1], case.chance_loss
    spread = 2 * math.sqrt(case.majority * (1 - case.majority) / stage.train_images)
    learnt = last_train(stage.epochs) > case.majority + max(_LEARNT, spread)
    near = _STUCK * chance <= last.train_loss <= _FAR_ABOVE * chance
    if learnt or len(stage.epochs) < 2 or not near:
        return ""
    return (
        f"the training loss is {last.train_loss:.3f} after {len(stage.epochs)} epochs, and "
        f"knowing nothing gives {chance:.3f}; accuracy is {percent(last.train_accuracy)}, and "
        f"always saying the largest class gives {percent(case.majority)}"
    )


def _remedy(case: Case) -> Remedy:
    if _learnt_in_training(case):
        return longer(case.config)
    first = case.stages[-1].epochs[0].train_loss
    # A loss above chance at first: steps so large that nothing was left that could learn.
    return rates(case.config, 1 / 10 if first > _ABOVE_CHANCE * case.chance_loss else 10)
