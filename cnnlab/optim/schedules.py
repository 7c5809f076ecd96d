"""Learning-rate schedules: pure functions of the step, so that resuming needs no state."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cnnlab.options import Number, Option, Value, fill_options
from cnnlab.registry import Registry

__all__ = ["SCHEDULES", "Schedule", "schedule_factor", "schedule_options"]


@dataclass(frozen=True)
class Schedule:
    """A shape over training: ``factor(step, total_steps, options)``, continuous and in [0, 1]."""

    description: str
    factor: Callable[[float, float, Mapping[str, Value]], float]
    options: Mapping[str, Option[Value]]


SCHEDULES: Registry[Schedule] = Registry("schedule")

_SHARE = Number(0.0)
_DECAY: dict[str, Option[Value]] = {"final": _SHARE, "warmup": Number(0.0, open_high=True)}


def schedule_options(name: str, given: Mapping[str, Any] | None = None) -> dict[str, Value]:
    """Return every option of a schedule: ``given``, checked, laid on its defaults.

    Raises :class:`UnknownNameError` for an unknown schedule or option, and :class:`ConfigError` for
    a value out of its range.
    """
    return fill_options(name, SCHEDULES.get(name).options, given)


def schedule_factor(name: str, step: int, total_steps: int, **options: Any) -> float:
    """Return what the learning rate is multiplied by at ``step``, a number in [0, 1].

    Steps count from 0; ``total_steps`` stands for the end, after the last step, where a decay
    reaches its ``final`` value. Raises as :func:`schedule_options`.
    """
    if not 0 <= step <= total_steps or total_steps < 1:
        raise ValueError(f"step {step} of {total_steps}")
    filled = schedule_options(name, options)
    return SCHEDULES.get(name).factor(step, total_steps, filled)


def _warmed(step: float, total: float, warmup: float) -> tuple[float, float]:
    """Split training into the height of the warm-up (1 after it) and the share of what follows.

    The first step already moves: n steps of warm-up rise by 1 / (n + 1) each.
    """
    length = warmup * total
    if step < length:
        return (step + 1) / (length + 1), 0.0
    return 1.0, (step - length) / (total - length)


def _constant(_step: float, _total: float, _options: Mapping[str, Value]) -> float:
    return 1.0


def _linear(step: float, total: float, options: Mapping[str, Value]) -> float:
    warm, rest = _warmed(step, total, options["warmup"])
    return warm * _between(1.0, options["final"], rest)


def _cosine(step: float, total: float, options: Mapping[str, Value]) -> float:
    warm, rest = _warmed(step, total, options["warmup"])
    return warm * _between(1.0, options["final"], (1 - math.cos(math.pi * rest)) / 2)


def _triangle(step: float, total: float, options: Mapping[str, Value]) -> float:
    done, peak = step / total, options["peak"]
    if done < peak:
        return _between(options["start"], 1.0, done / peak)
    return _between(1.0, options["final"], (done - peak) / (1 - peak))


def _between(first: float, last: float, share: float) -> float:
    return first * (1 - share) + last * share


SCHEDULES.add("constant", Schedule("the same rate throughout", _constant, {}))
SCHEDULES.add("linear", Schedule("a straight line down to `final`", _linear, _DECAY))
SCHEDULES.add("cosine", Schedule("half a cosine down to `final`", _cosine, _DECAY))
SCHEDULES.add(
    "triangle",
    Schedule(
        "up from `start` until the share `peak` of training, then down to `final`",
        _triangle,
        {
            "start": Number(0.2),
            "peak": Number(0.25, open_low=True, open_high=True),
            "final": _SHARE,
        },
    ),
)
