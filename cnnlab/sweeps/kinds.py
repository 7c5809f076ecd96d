"""How a space's file says what a setting is searched over."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

from cnnlab.errors import ConfigError
from cnnlab.registry import Registry, suggestion
from cnnlab.sweeps.dimensions import Choice, Dimension, Int, Log, Uniform

__all__ = ["KINDS", "kind_of", "parse_dimension"]

_MOST_CHOICES = 1000

Parse = Callable[[Any, Any, str], Dimension]

#: Turns what stands behind the kind's word, and a step where there is one, into a dimension.
KINDS: Registry[Parse] = Registry("kind of range")


def kind_of(content: Mapping[str, Any]) -> str | None:
    """The kind that a mapping of a space's file names, or seems to mean; None: it is a section."""
    for key in content:
        said = suggestion(key, KINDS.names())
        if key in KINDS or (key != "step" and said.startswith("did you mean")):
            return key
    return None


def parse_dimension(content: Mapping[str, Any], *, where: str) -> Dimension:
    """Read ``{"log": [1e-4, 1e-1]}`` and the like; :class:`ConfigError` says what is expected."""
    kind = kind_of(content)
    unknown = [key for key in content if key not in KINDS and key != "step"]
    if kind is None or unknown:
        key = unknown[0] if unknown else "nothing"
        raise ConfigError(
            f"no kind of range is called '{key}'",
            where=where,
            todo=suggestion(key, [*KINDS.names(), "step"]),
        )
    if len(content) - ("step" in content) > 1:
        raise ConfigError(
            f"two kinds of range: {', '.join(content)}", where=where, expected="one of them"
        )
    return KINDS.get(kind)(content[kind], content.get("step"), where)


@KINDS.register("choice")
def _choice(values: Any, step: Any, where: str) -> Dimension:
    _no_step(step, "choice", where)
    expected = f"a list of 2 to {_MOST_CHOICES} different values"
    if not isinstance(values, list) or not 2 <= len(values) <= _MOST_CHOICES:
        raise ConfigError(f"choice is {_shown(values)}", where=where, expected=expected)
    try:
        texts = [json.dumps(value, sort_keys=True, allow_nan=False) for value in values]
    except (TypeError, ValueError):
        raise ConfigError(
            f"choice is {_shown(values)}",
            where=where,
            expected="numbers, text, true, false, null, lists or mappings",
        ) from None
    twice = next((text for text in texts if texts.count(text) > 1), None)
    if twice is not None:
        raise ConfigError(f"the choice {twice} stands twice", where=where, expected=expected)
    return Choice(tuple(values))


@KINDS.register("uniform")
def _uniform(ends: Any, step: Any, where: str) -> Dimension:
    low, high = _ends(ends, "uniform", where)
    if step is None:
        return Uniform(low, high)
    if not _is_number(step) or not 0 < step <= high - low:
        raise _bad_step(step, where, f"a number above 0, at most {high - low:g}")
    # The last one, for the range may be no multiple of the step.
    every = Uniform(low, high, float(step)).every() or [high]
    return Uniform(low, every[-1], float(step))


@KINDS.register("log")
def _log(ends: Any, step: Any, where: str) -> Dimension:
    _no_step(step, "log", where)
    low, high = _ends(ends, "log", where)
    if low <= 0:
        raise ConfigError(
            f"log is {_shown(ends)}", where=where, expected="two numbers above 0, the smaller first"
        )
    return Log(low, high)


@KINDS.register("int")
def _int(ends: Any, step: Any, where: str) -> Dimension:
    low, high = _ends(ends, "int", where)
    if not all(isinstance(end, int) for end in ends):
        raise ConfigError(
            f"int is {_shown(ends)}", where=where, expected="two whole numbers, the smaller first"
        )
    if step is not None and (
        not isinstance(step, int) or isinstance(step, bool) or not 0 < step <= high - low
    ):
        raise _bad_step(step, where, f"a whole number from 1 to {int(high - low)}")
    count = (ends[1] - ends[0]) // (step or 1)
    return Int(ends[0], ends[0] + count * (step or 1), step or 1)


def _ends(ends: Any, kind: str, where: str) -> tuple[float, float]:
    fits = isinstance(ends, list) and len(ends) == 2 and all(map(_is_number, ends))
    if not fits or not ends[0] < ends[1]:
        raise ConfigError(
            f"{kind} is {_shown(ends)}",
            where=where,
            expected="a list of two numbers, the smaller first",
        )
    return float(ends[0]), float(ends[1])


def _is_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) < 1 << 53 and math.isfinite(value)


def _no_step(step: Any, kind: str, where: str) -> None:
    if step is not None:
        raise ConfigError(f"{kind} takes no step", where=where, expected="step with int or uniform")


def _bad_step(step: Any, where: str, expected: str) -> ConfigError:
    return ConfigError(f"step is {_shown(step)}", where=where, expected=expected)


def _shown(value: Any, most: int = 60) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= most else f"{text[: most - 3]}..."
