"""How fast a training goes on this machine: some of its steps are taken and forgotten."""

from __future__ import annotations

import time
from dataclasses import dataclass

from cnnlab.device import memory_errors, set_up_torch, synchronize
from cnnlab.ranks import world
from cnnlab.training.prepare import Prepared
from cnnlab.training.resizing import Size
from cnnlab.training.trial import TrialFitter, try_steps

__all__ = ["Pace", "measure_pace", "take_pace", "whole_step_seconds"]

#: Kernels are chosen and memory is asked for in the first steps.
_WARM_UP_STEPS = 3
_LEAST_STEPS = 3
_MOST_STEPS = 20_000


@dataclass(frozen=True)
class Pace:
    """What was measured.

    Attributes
    ----------
    step_seconds: of one step, the gathering of its batch included; the mean.
    steps: how many were timed.
    start_seconds: what the first step took more than that; mostly compiling, where that is done.
    """

    step_seconds: float
    steps: int
    start_seconds: float = 0.0


def measure_pace(prepared: Prepared, *, seconds: float = 2.0, size: Size | None = None) -> Pace:
    """Take steps of a training for so many seconds, after a few to warm up.

    They are the training's own, from its images (whole, or of one ``size``) to the optimizer, with
    the batch size, threads and precision that it resolved; nothing is kept of them. Where several
    ranks train together, they take them together. Raises ``MemoryLimitError``.
    """
    config = prepared.config.to_dict()
    world().tell({"do": "pace", "config": config, "seconds": seconds, "size": size})
    return take_pace(prepared, seconds=seconds, size=size)


def take_pace(prepared: Prepared, *, seconds: float, size: Size | None) -> Pace:
    """This rank's part of :func:`measure_pace`; the result is the same on all."""
    set_up_torch(prepared.config.threads or 1)
    with memory_errors("training"):
        fitter = TrialFitter(prepared)
        ends, began = list[float](), time.perf_counter()  # seconds since then
        for _loss in try_steps(fitter, _MOST_STEPS, size=size):
            synchronize(fitter.device)
            ends.append(world().slowest(time.perf_counter() - began))
            timed = ends[_WARM_UP_STEPS:]
            if len(timed) > _LEAST_STEPS and timed[-1] - timed[0] > seconds:
                break
    steps = len(timed) - 1
    step_seconds = (timed[-1] - timed[0]) / steps
    start_seconds = max(ends[0] - step_seconds, 0.0)
    return Pace(step_seconds=step_seconds, steps=steps, start_seconds=start_seconds)


def whole_step_seconds(prepared: Prepared) -> float:
    """What a step with whole images takes here, by three after one to warm up; nothing is kept."""
    ends = []
    with memory_errors("training"):
        fitter = TrialFitter(prepared)
        for _loss in try_steps(fitter, 1 + _LEAST_STEPS):
            synchronize(fitter.device)
            ends.append(time.perf_counter())
    return (ends[-1] - ends[0]) / _LEAST_STEPS
