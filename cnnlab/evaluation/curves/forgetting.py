"""Sequential training that loses what earlier chunks taught."""

from __future__ import annotations

from itertools import pairwise

from cnnlab.evaluation.curves.case import Case, StageCurve
from cnnlab.evaluation.curves.finding import Found, rule
from cnnlab.evaluation.curves.measures import accuracy_spread, last_held, percent, points

__all__ = ["forgetting"]

#: A new chunk's first epoch costs so much at least, beyond chance, to count.
_DROP = 0.05
#: The end lies so far below the end of an earlier stage, beyond chance.
_LOSS = 0.02


@rule("forgetting", title="Forgetting between stages", explains=("noisy-validation",))
def forgetting(case: Case) -> Found | None:
    """Held-out accuracy falls where a new chunk begins, or ends below an earlier stage's.

    Chunks are drawn at random, so each chunk's held-out images stand for all; where they are
    not the same images, chance counts twice.
    """
    stages = [stage for stage in case.stages if stage.watched]
    if len(stages) < 2:
        return None
    best = max(stages[:-1], key=lambda stage: last_held(stage.watched))
    lost = last_held(best.watched) - last_held(stages[-1].watched)
    drops = [(_drop(before, after), before, after) for before, after in pairwise(stages)]
    drop, before, after = max(drops, key=lambda one: one[0])
    remedy = ("train on all images at once", {"training.mode": "full"})
    if lost > max(_LOSS, _chance(best, stages[-1])):
        evidence = (
            f"{case.held} accuracy was {percent(last_held(best.watched))} at the end of stage "
            f"{best.number} and is {percent(last_held(stages[-1].watched))} at the end of stage "
            f"{stages[-1].number} (n = {stages[-1].held_images:,})"
        )
        return Found("serious", evidence, *remedy)
    if drop > max(_DROP, _chance(before, after)):
        evidence = (
            f"{case.held} accuracy fell by {points(drop)}, to "
            f"{percent(after.watched[0].held_accuracy or 0.0)}, in the first epoch of stage "
            f"{after.number}, and was {percent(last_held(after.watched))} at its end"
        )
        return Found("moderate", evidence, *remedy)
    return None


def _drop(before: StageCurve, after: StageCurve) -> float:
    """By how much the first epoch of a stage is below the last of the one before."""
    return last_held(before.watched) - (after.watched[0].held_accuracy or 0.0)


def _chance(one: StageCurve, other: StageCurve) -> float:
    return accuracy_spread(
        last_held(one.watched), last_held(other.watched), one.held_images, other.held_images
    )
