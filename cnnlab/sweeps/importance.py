"""Which settings mattered: functional analysis of variance on the finished trials."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cnnlab.sweeps.engine import Engine
from cnnlab.sweeps.libraries import quiet

__all__ = ["FEWEST_TRIALS", "Importance", "importance_of"]

#: A forest that was fitted to fewer trials says nothing.
FEWEST_TRIALS = 8


@dataclass(frozen=True)
class Importance:
    """Shares of the variance by key, the largest first, and of how many trials."""

    shares: Mapping[str, float]
    trials: int


def importance_of(engine: Engine, *, seed: int = 0) -> Importance | None:
    """How much of the objective's variance over the space each setting explains by itself.

    fANOVA (Hutter, Hoos and Leyton-Brown, 2014) as Optuna has it: a random forest is fitted to
    the finished trials and its variance is divided; shares are of what single settings explain.
    None where fewer than :data:`FEWEST_TRIALS` trials were finished, or all gave the same.
    """
    from optuna.importance import FanovaImportanceEvaluator, get_param_importances
    from optuna.trial import TrialState

    done = engine.study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if len(done) < FEWEST_TRIALS or len({trial.value for trial in done}) < 2:
        return None
    with quiet():
        shares = get_param_importances(engine.study, evaluator=FanovaImportanceEvaluator(seed=seed))
    return Importance(dict(shares), len(done))
