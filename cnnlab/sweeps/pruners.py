"""Who stops a trial that is behind.

Trials are compared at the same pace: after so many epochs, or after so much time of training.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cnnlab.errors import ConfigError
from cnnlab.registry import Registry
from cnnlab.settings import parse_duration

if TYPE_CHECKING:
    from optuna.pruners import BasePruner

__all__ = ["PRUNERS", "Pace", "Pruner", "parse_pace"]

#: A median of fewer trials says little.
_FEWEST_FOR_MEDIAN = 5


@dataclass(frozen=True)
class Pace:
    """What one unit of a trial's progress is: so many epochs, or so many seconds of training."""

    every: float
    unit: str

    def units(self, epochs: int, seconds: float) -> int:
        """Whole units done after so many epochs and seconds."""
        return int((epochs if self.unit == "epochs" else seconds) // self.every)

    def __str__(self) -> str:
        return f"{self.every:g}" if self.unit == "epochs" else f"{self.every:g}s"


def parse_pace(text: str) -> Pace:
    """Read "2" as two epochs and "20s", "1m" as a time; :class:`ConfigError` for anything else."""
    if re.fullmatch(r"\d{1,6}", text.strip()):
        epochs = int(text)
        if epochs:
            return Pace(epochs, "epochs")
    elif re.search(r"[hms]\s*$", text.lower()):
        return Pace(parse_duration(text, where="--prune-after"), "seconds")
    raise ConfigError(
        f"'{text}' is no pace",
        where="--prune-after",
        expected="epochs, e.g. 1, or a time of training, e.g. 20s",
    )


#: Takes the reduction factor; a unit of progress is one step of Optuna's.
Pruner = Callable[[int], "BasePruner"]

PRUNERS: Registry[Pruner] = Registry("pruner")


@PRUNERS.register("halving")
def halving(reduction: int) -> BasePruner:
    """Asynchronous successive halving (Li et al., "A system for massively parallel hyperparameter
    tuning", 2020): after 1, r, r^2 ... units only the best 1/r of those that came so far go on.
    """
    from optuna.pruners import SuccessiveHalvingPruner

    return SuccessiveHalvingPruner(min_resource=1, reduction_factor=reduction)


@PRUNERS.register("median")
def median(reduction: int) -> BasePruner:
    """From the first unit on, who is below the median of the others at the same one stops."""
    from optuna.pruners import MedianPruner

    del reduction
    return MedianPruner(n_startup_trials=_FEWEST_FOR_MEDIAN)


@PRUNERS.register("none")
def none(reduction: int) -> BasePruner:
    """Every trial is trained to its end."""
    from optuna.pruners import NopPruner

    del reduction
    return NopPruner()
