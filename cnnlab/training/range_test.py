"""The learning-rate range test: how the loss answers to a rate that rises step by step."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cnnlab.config import RunConfig
from cnnlab.device import memory_errors, set_up_torch
from cnnlab.training.events import RateTried, Watcher
from cnnlab.training.fitter import Fitter
from cnnlab.training.prepare import Prepared
from cnnlab.training.rate_rules import Smoother, smooth
from cnnlab.training.stages import Length
from cnnlab.training.trial import prepare_trial, try_steps

__all__ = ["RangeTest", "range_test"]

#: The loss has diverged where its moving average is so many times the lowest one.
_DIVERGED = 4.0


@dataclass(frozen=True, eq=False)
class RangeTest:
    """What was measured, a value a step; all of them are finite.

    Attributes
    ----------
    rates: float64 ``[K]``, the learning rate (``optimizer.lr``) of each step.
    losses: float64 ``[K]``, the training loss of the step's batch, before the step is taken.
    smoothed: float64 ``[K]``, without the noise of single batches; see
        :func:`cnnlab.training.rate_rules.smooth`.
    ended: why there are no more steps, in words.
    diverged: whether that is because the loss grew without bounds.
    """

    rates: NDArray[np.float64]
    losses: NDArray[np.float64]
    smoothed: NDArray[np.float64]
    ended: str
    diverged: bool


class _RisingFitter(Fitter):
    """Takes its steps at given multiples of every group's learning rate."""

    def __init__(self, prepared: Prepared, factors: NDArray[np.float64]) -> None:
        super().__init__(prepared)
        self._factors = factors

    def set_learning_rate(self, length: Length) -> None:
        factor = float(self._factors[self.state.position.total_steps])
        for group in self.optimizer.param_groups:
            group["lr"] = group["initial_lr"] * factor


def range_test(
    config: RunConfig, rates: NDArray[np.float64], *, runs: Path, watch: Watcher
) -> RangeTest:
    """Take the first steps of the training that ``config`` describes, one at each of ``rates``.

    Network, split, batches, augmentation, loss and optimizer are those of
    :func:`cnnlab.training.loop.train`, of whose schedule and number of epochs nothing is used;
    of a sequential training it is the first stage. Every group's own rate is multiplied by
    ``rate / config.optimizer.lr``. Only training images are looked at, nothing is written.
    Stops early where the loss diverges. ``runs`` is where a run to start from is looked for.

    Source: L. N. Smith, "Cyclical learning rates for training neural networks", WACV 2017, with
    the exponential rise of fastai's ``lr_find``. Raises as ``train`` does before its first step.
    """
    if config.compile == "auto":  # these steps are over sooner than a compiler is
        config = config.updated(compile="off")
    prepared = prepare_trial(config, runs, watch)
    set_up_torch(prepared.config.threads or 1)
    with memory_errors("training"):
        fitter = _RisingFitter(prepared, rates / prepared.config.optimizer.lr)
        return _measured(rates, map(float, try_steps(fitter, len(rates))), watch)


def _measured(rates: NDArray[np.float64], losses: Iterator[float], watch: Watcher) -> RangeTest:
    smoother, raw, lowest = Smoother(len(rates)), list[float](), math.inf
    ended, diverged = f"all {len(rates)} steps done", False
    for rate, loss in zip(rates, losses, strict=True):
        if not math.isfinite(loss):
            ended, diverged = f"the loss became {loss}", True
            break
        raw.append(loss)
        average = smoother.add(loss)
        lowest = min(lowest, average)
        watch(RateTried(len(raw), len(rates), float(rate), average))
        if average > _DIVERGED * lowest:
            ended, diverged = f"the loss grew to {_DIVERGED:g} times its lowest", True
            break
    measured = np.array(raw, dtype=np.float64)
    return RangeTest(rates[: len(raw)], measured, smooth(measured, len(rates)), ended, diverged)
