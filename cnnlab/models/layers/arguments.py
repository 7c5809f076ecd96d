"""Checks of layer arguments: each turns what a file says into a value, or says what it expected.

A check takes whatever YAML or Python gave and returns the normalised value; it raises
``ValueError`` whose text completes the sentence "expected ...".
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any, TypeVar, cast

from cnnlab.registry import suggestion

__all__ = [
    "ACTIVATIONS",
    "INITIALIZERS",
    "Check",
    "activation",
    "argument",
    "choice",
    "count",
    "flag",
    "initializer",
    "optional",
    "pair",
    "real",
    "shown",
    "sides",
    "whole",
    "whole_numbers",
]

T = TypeVar("T")
Check = Callable[[object], T]

#: Keras's names of activation functions; ``silu`` and ``swish`` are the same.
ACTIVATIONS = (
    "elu",
    "gelu",
    "leaky_relu",
    "linear",
    "relu",
    "selu",
    "sigmoid",
    "silu",
    "softmax",
    "swish",
    "tanh",
)

#: Keras's names of kernel initialisers, then two of our own: ``fan_in_uniform`` draws from
#: U(±1/√fan_in), torch's default; ``dirac`` is the same, but the first filters pass their input on.
INITIALIZERS = (
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "lecun_normal",
    "lecun_uniform",
    "fan_in_uniform",
    "dirac",
)


_MAX_FLOAT32 = 3.4e38


def argument(check: Check[T], default: Any = dataclasses.MISSING) -> T:
    """A dataclass field whose value goes through ``check``."""
    return cast(T, dataclasses.field(default=default, metadata={"check": check}))


def shown(value: object) -> str:
    """``value`` as an error shows it: one line, cut where it is long."""
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else f"{text[:57]}..."


def whole(low: int = 1, high: int = 1 << 16) -> Check[int]:
    """A whole number from ``low`` to ``high``."""

    def check(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return value

    return check


def whole_numbers(low: int, high: int, *, most: int) -> Check[list[int]]:
    """A list of 1 to ``most`` whole numbers from ``low`` to ``high``."""
    one = whole(low, high)

    def check(value: object) -> list[int]:
        if not isinstance(value, list | tuple) or not 1 <= len(value) <= most:
            raise ValueError(f"a list of 1 to {most} whole numbers")
        return [one(item) for item in value]

    return check


def count(high: int = 1 << 16) -> Check[int]:
    """A whole number from 1; files may also write ``classes``, which stands for their number."""
    one = whole(1, high)

    def check(value: object) -> int:
        try:
            return one(value)
        except ValueError as error:
            raise ValueError(f"{error}, or the word classes") from None

    return check


def pair(low: int = 1, high: int = 1 << 12) -> Check[tuple[int, int]]:
    """One whole number for height and width, or a list of two."""
    one = whole(low, high)

    def check(value: object) -> tuple[int, int]:
        items = value if isinstance(value, list | tuple) else (value, value)
        try:
            first, second = (one(item) for item in items)
        except ValueError:
            raise ValueError(
                f"a whole number from {low} to {high}, or a list of two (height, width)"
            ) from None
        return first, second

    return check


def sides(value: object) -> tuple[tuple[int, int], tuple[int, int]]:
    """Keras's three ways to say a padding, as ((top, bottom), (left, right))."""
    items = value if isinstance(value, list | tuple) else (value, value)
    one = pair(0)
    try:
        height, width = (one(item) for item in items)
    except ValueError:
        raise ValueError(
            "a whole number from 0, a list of two, or [[top, bottom], [left, right]]"
        ) from None
    return height, width


def real(low: float = -math.inf, high: float = math.inf, *, above: bool = False) -> Check[float]:
    """A finite number in [``low``, ``high``); with ``above``, in (``low``, ``high``)."""
    if math.isfinite(low):
        said = f"a number {'above' if above else 'from'} {low:g}"
        said += f" and below {high:g}" if math.isfinite(high) else ""
    else:
        said = "a finite number"

    def check(value: object) -> float:
        if isinstance(value, int | float) and not isinstance(value, bool):
            inside = (value > low if above else value >= low) and value < high
            if inside and abs(value) <= _MAX_FLOAT32:
                return float(value)
        raise ValueError(said)

    return check


def choice(*names: str) -> Check[str]:
    """One of ``names``."""

    def check(value: object) -> str:
        if isinstance(value, str) and value in names:
            return value
        expected = f"one of {', '.join(names)}"
        hint = suggestion(value, list(names)) if isinstance(value, str) else ""
        raise ValueError(f"{expected} ({hint})" if hint.startswith("did") else expected)

    return check


def flag(value: object) -> bool:
    """True or false."""
    if isinstance(value, bool):
        return value
    raise ValueError("true or false")


def optional(check: Check[T]) -> Check[T | None]:
    """``None`` (YAML's ``null``), or what ``check`` takes."""
    return lambda value: None if value is None else check(value)


def activation(value: object) -> str:
    """An activation's name; ``None`` means "linear", as in Keras."""
    return "linear" if value is None else choice(*ACTIVATIONS)(value)


def initializer(value: object) -> str:
    """The name of a way to draw a kernel."""
    return choice(*INITIALIZERS)(value)
