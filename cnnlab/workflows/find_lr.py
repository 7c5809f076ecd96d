"""Find a learning rate: a range test, the rules' rates, and one suggestion to copy."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from cnnlab.config import RunConfig
from cnnlab.errors import ConfigError
from cnnlab.evaluation.figures import Picture, rate_curve
from cnnlab.optim import OPTIMIZERS
from cnnlab.tables import ShownAsText, printable, text_table
from cnnlab.training.events import Watcher, unwatched
from cnnlab.training.range_test import RangeTest, range_test
from cnnlab.training.rate_rules import RULES, SUGGESTION, noise_hides
from cnnlab.workflows.pictures import write_picture

__all__ = ["FEWEST_STEPS", "FoundRate", "find_lr"]

#: With fewer points a curve says nothing.
FEWEST_STEPS = 10
_MOST_STEPS = 100_000
_LARGEST_RATE = 1000.0


@dataclass(frozen=True, eq=False)
class FoundRate(ShownAsText):
    """A suggested learning rate and what it rests on.

    Attributes
    ----------
    config: the training that it is for.
    test: rates and losses.
    suggestion: ``optimizer.lr``, to two digits; None where ``problem`` says why there is none.
    others: what other rules say, by name.
    notes: what a user should know before following it.
    """

    config: RunConfig
    test: RangeTest
    suggestion: float | None
    others: Mapping[str, float | None]
    problem: str | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def settings(self) -> dict[str, float]:
        """What to set, by key: the rate, and for several groups each one's, in proportion."""
        if self.suggestion is None:
            return {}
        optimizer = self.config.optimizer
        options, factor = optimizer.options(), self.suggestion / optimizer.lr
        rates = OPTIMIZERS.get(optimizer.name).rates
        return {
            "optimizer.lr": self.suggestion,
            **{f"optimizer.{name}": _two_digits(options[name] * factor) for name in rates},
        }

    def options(self) -> str:
        """The suggestion as options of ``cnnlab train``; empty where there is none."""
        if self.suggestion is None:
            return ""
        rest = [f"--set {key}={value:g}" for key, value in self.settings.items()][1:]
        return " ".join([f"--lr {self.suggestion:g}", *rest])

    def to_dict(self) -> dict[str, Any]:
        """What ``cnnlab find-lr --json`` prints."""
        return {
            "suggestion": self.suggestion,
            "rule": SUGGESTION,
            "options": self.options(),
            "settings": self.settings,
            "problem": self.problem,
            "notes": list(self.notes),
            "rates": self.test.rates.tolist(),
            "losses": {"raw": self.test.losses.tolist(), "smoothed": self.test.smoothed.tolist()},
            "others": dict(self.others),
            "ended": self.test.ended,
        }

    def to_text(self) -> str:
        """What ``cnnlab find-lr`` prints: how it went, every rule's rate, the option to copy."""
        found = {SUGGESTION: self.suggestion, **self.others}
        rows = [
            (name, "-" if rate is None else f"{rate:.2g}", RULES[name].meaning)
            for name, rate in found.items()
        ]
        return "\n".join(
            [
                self._headline(),
                "",
                text_table(["rule", "rate", "what it takes"], rows),
                "",
                *(f"note: {note}" for note in self.notes),
                f"no suggestion: {self.problem}"
                if self.problem
                else f"suggestion: {self.options()}",
            ]
        )

    def _headline(self) -> str:
        config, rates = self.config, self.test.rates
        what = f"{config.model.name} on {config.data.source}, {config.optimizer.name}"
        tried = f"{rates[0]:.1e} to {rates[-1]:.1e}" if len(rates) else "none"
        steps = "1 step" if len(rates) == 1 else f"{len(rates)} steps"
        return printable(f"{what}: {steps}, rates {tried} ({self.test.ended})")

    def picture(self) -> Picture:
        """Loss against rate, the suggestion marked."""
        config = self.config
        return rate_curve(
            self.test.rates.tolist(),
            self.test.losses.tolist(),
            self.test.smoothed.tolist(),
            suggestion=self.suggestion,
            others={name: rate for name, rate in self.others.items() if rate is not None},
            title=f"{config.model.name} on {config.data.source}, {config.optimizer.name}",
        )

    def write_picture(self, path: Path) -> None:
        """Write the picture; see :func:`cnnlab.workflows.pictures.write_picture`."""
        write_picture(self.picture(), path)


def find_lr(
    config: RunConfig,
    *,
    steps: int = 100,
    low: float | None = None,
    high: float | None = None,
    runs: Path = Path("runs"),
    watch: Watcher = unwatched,
) -> FoundRate:
    """Try learning rates from ``low`` to ``high`` in so many steps, and suggest one.

    The training that ``config`` describes is begun and its rate raised by the same factor at
    every step, until all are done or the loss diverges; for an optimizer with several rates all
    of them are multiplied alike. Bounds that are None are the optimizer's own. Validation and
    test images are not looked at, nothing is written, and the same seed gives the same answer.

    Source: L. N. Smith, "Cyclical learning rates for training neural networks", WACV 2017; the
    rules are in :mod:`cnnlab.training.rate_rules`. ``runs`` is where a run to start from is
    looked for. Raises :class:`ConfigError` for bounds or steps that cannot be, and what ``train``
    raises before its first step.
    """
    search = OPTIMIZERS.get(config.optimizer.name).search
    low, high = search[0] if low is None else low, search[1] if high is None else high
    _check(steps, low, high)
    test = range_test(config, np.geomspace(low, high, steps), runs=runs, watch=watch)
    # All rules are asked, or none where the curve is too short for any.
    asked = RULES.items() if len(test.rates) >= FEWEST_STEPS else ()
    rates = {name: rule.find(test.rates, test.smoothed) for name, rule in asked}
    suggestion = rates.get(SUGGESTION)
    problem = _problem(test, steps, low) if suggestion is None else None
    return FoundRate(
        config=config,
        test=test,
        suggestion=None if suggestion is None else _two_digits(suggestion),
        others={name: rates.get(name) for name in RULES if name != SUGGESTION},
        problem=problem,
        notes=[] if problem else _notes(test, steps),
    )


def _check(steps: int, low: float, high: float) -> None:
    if not FEWEST_STEPS <= steps <= _MOST_STEPS:
        expected = f"a whole number from {FEWEST_STEPS} to {_MOST_STEPS}"
        raise ConfigError(f"the value is {steps}", where="--steps", expected=expected)
    for option, rate in (("--from", low), ("--to", high)):
        if not (math.isfinite(rate) and 0 < rate <= _LARGEST_RATE):
            expected = f"a rate above 0 and up to {_LARGEST_RATE:g}"
            raise ConfigError(f"the value is {rate:g}", where=option, expected=expected)
    if not low < high:
        raise ConfigError(
            f"the highest rate, {high:g}, is not above the lowest, {low:g}", where="--to"
        )


def _problem(test: RangeTest, steps: int, low: float) -> str:
    """Why there is no suggestion, and what to do."""
    if len(test.rates) < FEWEST_STEPS or test.diverged:
        return (
            f"{test.ended} after {len(test.rates)} of {steps} steps, before it fell; "
            f"start lower than --from {low:g}, or take more --steps"
        )
    return "the loss never fell; try higher rates with --to, or more --steps"


def _notes(test: RangeTest, steps: int) -> list[str]:
    notes = []
    if noise_hides(test.losses, test.smoothed, steps):
        notes.append(
            "the loss fell hardly more than it varies from batch to batch: "
            "more --steps, or a larger --batch-size, make the suggestion surer"
        )
    if not test.diverged and int(test.smoothed.argmin()) == len(test.smoothed) - 1:
        notes.append("the loss was lowest at the highest rate: raise --to to see where it ends")
    return notes


def _two_digits(value: float) -> float:
    return float(f"{value:.2g}")
