"""Optuna as a function of what has happened: the sweep's history is told to it, in its order.

Nothing that Optuna keeps is stored: after a kill the same asks and answers give the same state.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from cnnlab.errors import ConfigError
from cnnlab.sweeps.libraries import quiet
from cnnlab.sweeps.pruners import PRUNERS, Pace
from cnnlab.sweeps.samplers import SAMPLERS
from cnnlab.sweeps.space import Space

if TYPE_CHECKING:
    import optuna

__all__ = ["OBJECTIVES", "Engine", "EngineSettings", "Objective"]

Objective = Literal["accuracy", "loss"]

OBJECTIVES: tuple[Objective, ...] = ("accuracy", "loss")
_REDUCTIONS = (2, 100)
#: More NumPy's generators, which samplers draw from, do not take.
_LARGEST_SEED = 2**32 - 1


@dataclass(frozen=True)
class EngineSettings:
    """How a space is searched.

    Attributes
    ----------
    objective: validation accuracy (larger is better) or loss (smaller is).
    pace: the unit in which trials are compared while they run.
    reduction: of successive halving.
    seed: of everything that a sampler draws.
    """

    sampler: str = "tpe"
    pruner: str = "halving"
    objective: Objective = "accuracy"
    pace: Pace = Pace(1, "epochs")
    reduction: int = 3
    seed: int = 0

    def check(self) -> None:
        """Names against the registries, numbers against their ranges."""
        SAMPLERS.get(self.sampler)
        PRUNERS.get(self.pruner)
        if self.objective not in OBJECTIVES:
            raise ConfigError(
                f"'{self.objective}' is no objective",
                where="--objective",
                expected=" or ".join(OBJECTIVES),
            )
        low, high = _REDUCTIONS
        if not low <= self.reduction <= high:
            raise ConfigError(
                f"the value is {self.reduction}", where="--reduction", expected=f"{low} to {high}"
            )
        if not 0 <= self.seed <= _LARGEST_SEED:
            raise ConfigError(
                f"the value is {self.seed}",
                where="--search-seed",
                expected=f"0 to {_LARGEST_SEED:,}",
            )

    @property
    def larger_is_better(self) -> bool:
        """Of the objective."""
        return self.objective == "accuracy"

    def to_dict(self) -> dict[str, Any]:
        """As ``sweep.yaml`` keeps it."""
        return {
            "sampler": self.sampler,
            "pruner": self.pruner,
            "objective": self.objective,
            "prune_after": str(self.pace),
            "reduction": self.reduction,
            "seed": self.seed,
        }


class Engine:
    """Asks the sampler and the pruner; trials are known by their numbers."""

    def __init__(self, space: Space, settings: EngineSettings) -> None:
        import optuna

        self._space, self._settings = space, settings
        self._distributions = {key: one.distribution for key, one in space.dimensions.items()}
        with quiet():
            self.study = optuna.create_study(
                direction="maximize" if settings.larger_is_better else "minimize",
                sampler=optuna.samplers.RandomSampler(seed=settings.seed),
                pruner=PRUNERS.get(settings.pruner)(settings.reduction),
            )
        self._trials: dict[int, optuna.Trial] = {}
        self._units: dict[int, int] = {}

    def ask(self, number: int) -> dict[str, Any] | None:
        """Values for a new trial, by key; None where the sampler has no more."""
        proposal = SAMPLERS.get(self._settings.sampler)(self._space, self._settings.seed, number)
        if proposal is None:
            return None
        if isinstance(proposal, Mapping):
            return self.replay(number, proposal)
        self.study.sampler = proposal
        with quiet():
            return self._begin(number)

    def replay(self, number: int, params: Mapping[str, Any]) -> dict[str, Any]:
        """Begin a trial whose values are known; what is not of the space Optuna does not hear of.

        The base configuration may lie outside, and is a trial all the same.
        """
        if not self._space.holds(params):
            return dict(params)
        labels = {key: one.label(params[key]) for key, one in self._space.dimensions.items()}
        with quiet():
            self.study.enqueue_trial(labels)
            return self._begin(number)

    def _begin(self, number: int) -> dict[str, Any]:
        trial = self.study.ask(self._distributions)
        self._trials[number] = trial
        return {
            key: one.value(_plain(trial.params[key])) for key, one in self._space.dimensions.items()
        }

    def report(self, number: int, epochs: int, seconds: float, value: float) -> bool:
        """Take note of a trial's objective after so many epochs; whether it is to be stopped."""
        trial = self._trials.get(number)
        units = self._settings.pace.units(epochs, seconds)
        if trial is None or units <= self._units.get(number, 0):
            return False
        self._units[number] = units
        with quiet():
            trial.report(value, units)
            return bool(trial.should_prune())

    def tell(self, number: int, state: str, value: float | None) -> None:
        """Take note of a trial's end: "finished" with a value, "pruned", or anything else."""
        from optuna.trial import TrialState

        trial = self._trials.get(number)
        if trial is None:
            return
        with quiet():
            if state == "finished" and value is not None:
                self.study.tell(trial, value)
            elif state == "pruned" and number in self._units:
                self.study.tell(trial, state=TrialState.PRUNED)
            else:
                self.study.tell(trial, state=TrialState.FAIL)


def _plain(value: Any) -> Any:
    """A number of Python's own, as the journal can have it."""
    return value.item() if hasattr(value, "item") else value
