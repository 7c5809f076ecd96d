"""What one setting is searched over: some values, or a range of numbers."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

__all__ = ["Choice", "Dimension", "Int", "Log", "Uniform"]

#: Where a range is tried beside its ends: no round number, so that a whole-number setting says so.
_INNER = 1 / math.sqrt(5)
_ROUNDING = 1e-9


class Dimension(Protocol):
    """What one setting is searched over; values are plain ones, as YAML has them."""

    @property
    def distribution(self) -> BaseDistribution:
        """The same in Optuna's words; choices are known there by :meth:`label`."""

    def label(self, value: Any) -> Any:
        """What Optuna calls a value."""

    def value(self, label: Any) -> Any:
        """The value that Optuna calls so."""

    def probes(self) -> list[Any]:
        """Values that stand for all when the configuration is checked."""

    def every(self) -> list[Any] | None:
        """Every value there is; None where there is no end to them."""

    def holds(self, value: Any) -> bool:
        """Whether a value lies in here."""

    def position(self, value: Any) -> float:
        """Where a value stands between the first (0) and the last (1)."""

    def to_dict(self) -> dict[str, Any]:
        """As a space's file says it."""


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


@dataclass(frozen=True)
class Choice:
    """One of several values of any kind; a mapping is laid on the section that the key names."""

    values: tuple[Any, ...]

    @property
    def distribution(self) -> BaseDistribution:
        """See :class:`Dimension`."""
        from optuna.distributions import CategoricalDistribution

        return CategoricalDistribution([_text(value) for value in self.values])

    def label(self, value: Any) -> Any:
        """See :class:`Dimension`."""
        return _text(value)

    def value(self, label: Any) -> Any:
        """See :class:`Dimension`."""
        return json.loads(label)

    def probes(self) -> list[Any]:
        """See :class:`Dimension`."""
        return list(self.values)

    def every(self) -> list[Any]:
        """See :class:`Dimension`."""
        return list(self.values)

    def holds(self, value: Any) -> bool:
        """See :class:`Dimension`."""
        return _text(value) in {_text(one) for one in self.values}

    def position(self, value: Any) -> float:
        """See :class:`Dimension`."""
        at = [_text(one) for one in self.values].index(_text(value))
        return at / (len(self.values) - 1)

    def to_dict(self) -> dict[str, Any]:
        """See :class:`Dimension`."""
        return {"choice": list(self.values)}


class _Range:
    """What ranges of numbers share."""

    low: float
    high: float

    def label(self, value: Any) -> Any:
        """See :class:`Dimension`."""
        return value

    def value(self, label: Any) -> Any:
        """See :class:`Dimension`."""
        return label

    def holds(self, value: Any) -> bool:
        """See :class:`Dimension`."""
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return number and self.low <= value <= self.high

    def position(self, value: Any) -> float:
        """See :class:`Dimension`."""
        return float((value - self.low) / (self.high - self.low))


@dataclass(frozen=True)
class Uniform(_Range):
    """Any number from ``low`` to ``high``, every one as likely; with ``step``, these only."""

    low: float
    high: float
    step: float | None = None

    @property
    def distribution(self) -> BaseDistribution:
        """See :class:`Dimension`."""
        from optuna.distributions import FloatDistribution

        return FloatDistribution(self.low, self.high, step=self.step)

    def probes(self) -> list[Any]:
        """See :class:`Dimension`."""
        within = self.every()
        inner = self.low + _INNER * (self.high - self.low) if within is None else within[1]
        return [self.low, inner, self.high]

    def every(self) -> list[Any] | None:
        """See :class:`Dimension`."""
        if self.step is None:
            return None
        count = math.floor((self.high - self.low) / self.step + _ROUNDING)
        return [round(self.low + index * self.step, 12) for index in range(count + 1)]

    def holds(self, value: Any) -> bool:
        """See :class:`Dimension`."""
        within = self.every()
        return super().holds(value) and (
            within is None or any(math.isclose(value, one) for one in within)
        )

    def to_dict(self) -> dict[str, Any]:
        """See :class:`Dimension`."""
        step = {} if self.step is None else {"step": self.step}
        return {"uniform": [self.low, self.high], **step}


@dataclass(frozen=True)
class Log(_Range):
    """Any number from ``low`` to ``high``, every order of magnitude as likely."""

    low: float
    high: float

    @property
    def distribution(self) -> BaseDistribution:
        """See :class:`Dimension`."""
        from optuna.distributions import FloatDistribution

        return FloatDistribution(self.low, self.high, log=True)

    def probes(self) -> list[Any]:
        """See :class:`Dimension`."""
        return [self.low, self.low * (self.high / self.low) ** _INNER, self.high]

    def every(self) -> None:
        """See :class:`Dimension`."""
        return

    def position(self, value: Any) -> float:
        """See :class:`Dimension`."""
        return math.log(value / self.low) / math.log(self.high / self.low)

    def to_dict(self) -> dict[str, Any]:
        """See :class:`Dimension`."""
        return {"log": [self.low, self.high]}


@dataclass(frozen=True)
class Int(_Range):
    """Whole numbers from ``low`` to ``high``, ``step`` apart."""

    low: int
    high: int
    step: int = 1

    @property
    def distribution(self) -> BaseDistribution:
        """See :class:`Dimension`."""
        from optuna.distributions import IntDistribution

        return IntDistribution(self.low, self.high, step=self.step)

    def probes(self) -> list[Any]:
        """See :class:`Dimension`."""
        return [self.low, self.high]

    def every(self) -> list[Any]:
        """See :class:`Dimension`."""
        return list(range(self.low, self.high + 1, self.step))

    def holds(self, value: Any) -> bool:
        """See :class:`Dimension`."""
        return super().holds(value) and (value - self.low) % self.step == 0

    def to_dict(self) -> dict[str, Any]:
        """See :class:`Dimension`."""
        step = {} if self.step == 1 else {"step": self.step}
        return {"int": [self.low, self.high], **step}
