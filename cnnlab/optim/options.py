"""The options that an optimizer or a schedule takes, with defaults and allowed ranges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cnnlab.errors import ConfigError, UnknownNameError
from cnnlab.registry import suggestion

__all__ = ["Option", "Value", "fill_options"]

Value = bool | int | float


@dataclass(frozen=True)
class Option:
    """A number or a flag; the default's type is the value's type.

    A number lies in [``low``, ``high``], without the ends that ``open_low`` and ``open_high`` name.
    """

    default: Value
    low: float = 0.0
    high: float = 1.0
    open_low: bool = False
    open_high: bool = False

    def check(self, value: object, *, where: str) -> Value:
        """Return the value in its type, or raise :class:`ConfigError` with the allowed range."""
        if isinstance(self.default, bool):
            if isinstance(value, bool):
                return value
        elif isinstance(value, int | float) and not isinstance(value, bool) and self._holds(value):
            if isinstance(self.default, float):
                return float(value)
            if value == int(value):
                return int(value)
        raise ConfigError(f"the value is {value!r}", where=where, expected=self.allowed)

    def _holds(self, value: float) -> bool:
        above = value > self.low if self.open_low else value >= self.low
        below = value < self.high if self.open_high else value <= self.high
        return above and below

    @property
    def allowed(self) -> str:
        """The allowed values in words."""
        if isinstance(self.default, bool):
            return "true or false"
        kind = "a number" if isinstance(self.default, float) else "a whole number"
        low = f"{'above' if self.open_low else 'from'} {self.low:g}"
        return f"{kind} {low} {'and below' if self.open_high else 'to'} {self.high:g}"


def fill_options(
    owner: str, options: Mapping[str, Option], given: Mapping[str, Any] | None
) -> dict[str, Value]:
    """Return every option of ``owner``: what is ``given``, checked, and the defaults.

    Raises :class:`UnknownNameError` with a suggestion, or :class:`ConfigError` with the range.
    """
    given = given or {}
    for key in given:
        if key not in options:
            raise UnknownNameError(
                f"{owner} has no option '{key}'", todo=suggestion(str(key), sorted(options))
            )
    return {
        name: option.check(given[name], where=f"{owner}, {name}")
        if name in given
        else option.default
        for name, option in options.items()
    }
