"""Who proposes the next configuration.

A sampler is a function of the space, the sweep's seed and the trial's number: that, with what the
trials before showed, is all that a proposal depends on, so a sweep that is resumed goes on as it
would have. It returns one of Optuna's samplers, or the values themselves, or None where there is
nothing more to try.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnlab.registry import Registry
from cnnlab.sweeps.space import Space

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler

__all__ = ["SAMPLERS", "Sampler"]

Sampler = Callable[[Space, int, int], "BaseSampler | Mapping[str, Any] | None"]

SAMPLERS: Registry[Sampler] = Registry("sampler")


def _drawn(seed: int, number: int) -> int:
    """A seed of the trial's own."""
    return int(np.random.SeedSequence([seed, number]).generate_state(1)[0])


@SAMPLERS.register("tpe")
def tpe(space: Space, seed: int, number: int) -> BaseSampler:
    """Tree-structured Parzen estimator (Bergstra et al., 2011): ten at random, then near the best.

    Settings are modelled together (Falkner et al., 2018); what trials still run is kept away from.
    """
    from optuna.samplers import TPESampler

    del space
    return TPESampler(seed=_drawn(seed, number))


@SAMPLERS.register("random")
def random(space: Space, seed: int, number: int) -> BaseSampler:
    """Each trial drawn by itself (Bergstra and Bengio, 2012)."""
    from optuna.samplers import RandomSampler

    del space
    return RandomSampler(seed=_drawn(seed, number))


@SAMPLERS.register("grid")
def grid(space: Space, seed: int, number: int) -> Mapping[str, Any] | None:
    """Every combination once, in an order that the seed draws: the first ones cover it, too.

    Trial 0 is the base configuration, so trial 1 takes the first.
    """
    combinations = space.combinations()
    if number > len(combinations):
        return None
    order = np.random.default_rng(seed).permutation(len(combinations))
    return combinations[int(order[number - 1])]
