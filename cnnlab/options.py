"""Options that a named thing (optimizer, schedule, dataset) declares: defaults, allowed values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from cnnlab.errors import ConfigError, UnknownNameError
from cnnlab.registry import suggestion

__all__ = ["Choice", "Flag", "Number", "Option", "OrNone", "Plain", "Text", "Value", "fill_options"]

#: What numbers and flags take.
Value = bool | int | float

#: What any option takes: a settings file can say it.
Plain = Value | str | None

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Option(Protocol[T_co]):
    """An option: its default, and what it takes."""

    @property
    def default(self) -> T_co:
        """The value where none is given."""

    @property
    def meaning(self) -> str:
        """What it decides, in a few words; empty where its name says it."""

    @property
    def allowed(self) -> str:
        """The allowed values in words."""

    def check(self, value: object, *, where: str) -> T_co:
        """Return the value in its type, or raise :class:`ConfigError` with the allowed values."""


@dataclass(frozen=True)
class Flag:
    """True or false."""

    default: bool
    meaning: str = ""

    def check(self, value: object, *, where: str) -> bool:
        """Return the value; see :class:`Option`."""
        if isinstance(value, bool):
            return value
        raise _refused(value, where, self.allowed)

    @property
    def allowed(self) -> str:
        """The allowed values in words."""
        return "true or false"


@dataclass(frozen=True)
class Number:
    """A number; where the default is a whole one, so is every value.

    It lies in [``low``, ``high``], without the ends that ``open_low`` and ``open_high`` name.
    """

    default: int | float
    low: float = 0.0
    high: float = 1.0
    open_low: bool = False
    open_high: bool = False
    meaning: str = ""

    def check(self, value: object, *, where: str) -> int | float:
        """Return the value in its type; see :class:`Option`."""
        if isinstance(value, int | float) and not isinstance(value, bool) and self._holds(value):
            if isinstance(self.default, float):
                return float(value)
            if value == int(value):
                return int(value)
        raise _refused(value, where, self.allowed)

    def _holds(self, value: float) -> bool:
        above = value > self.low if self.open_low else value >= self.low
        below = value < self.high if self.open_high else value <= self.high
        return above and below

    @property
    def allowed(self) -> str:
        """The allowed values in words."""
        whole = isinstance(self.default, int)
        low, high = (f"{int(end):,}" if whole else f"{end:g}" for end in (self.low, self.high))
        return (
            f"{'a whole number' if whole else 'a number'} "
            f"{'above' if self.open_low else 'from'} {low} "
            f"{'and below' if self.open_high else 'to'} {high}"
        )


@dataclass(frozen=True)
class Choice:
    """One of several words; the first is the default."""

    choices: tuple[str, ...]
    meaning: str = ""

    @property
    def default(self) -> str:
        """The value where none is given."""
        return self.choices[0]

    def check(self, value: object, *, where: str) -> str:
        """Return the value; see :class:`Option`."""
        if isinstance(value, str) and value in self.choices:
            return value
        raise _refused(value, where, self.allowed)

    @property
    def allowed(self) -> str:
        """The allowed values in words."""
        return f"one of {', '.join(self.choices)}"


@dataclass(frozen=True)
class Text:
    """Any text, e.g. the name of a column; None where it is to be found out."""

    default: str | None = None
    meaning: str = ""

    def check(self, value: object, *, where: str) -> str | None:
        """Return the value; see :class:`Option`."""
        if (isinstance(value, str) and value) or (value is None and self.default is None):
            return value
        raise _refused(value, where, self.allowed)

    @property
    def allowed(self) -> str:
        """The allowed values in words."""
        return "text" if self.default is not None else "text, or null"


@dataclass(frozen=True)
class OrNone(Generic[T]):
    """What ``option`` takes; None, the default, where it is to be found out."""

    option: Option[T]

    @property
    def default(self) -> None:
        """None, whatever the option's own default is."""
        return None

    @property
    def meaning(self) -> str:
        """The option's own."""
        return self.option.meaning

    def check(self, value: object, *, where: str) -> T | None:
        """Return the value; see :class:`Option`."""
        return None if value is None else self.option.check(value, where=where)

    @property
    def allowed(self) -> str:
        """The allowed values in words."""
        return f"{self.option.allowed}, or null"


def fill_options(
    owner: str,
    options: Mapping[str, Option[T]],
    given: Mapping[str, Any] | None,
    *,
    beside: Iterable[str] = (),
) -> dict[str, T]:
    """Return every option of ``owner``: what is ``given``, checked, and the defaults.

    ``beside`` names the settings that stand in the same place, which might have been meant.
    Raises :class:`UnknownNameError` with a suggestion, or :class:`ConfigError` with what is
    allowed.
    """
    given = given or {}
    for key in given:
        if key not in options:
            raise UnknownNameError(
                f"{owner} has no option '{key}'",
                todo=suggestion(str(key), sorted({*options, *beside})),
            )
    return {
        name: option.check(given[name], where=f"{owner}, {name}")
        if name in given
        else option.default
        for name, option in options.items()
    }


def _refused(value: object, where: str, allowed: str) -> ConfigError:
    return ConfigError(f"the value is {value!r}", where=where, expected=allowed)
