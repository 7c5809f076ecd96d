"""What a sweep's report and its summary on the terminal say, in sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from cnnlab.metrics.statistics import Interval
from cnnlab.reports.wording import ABSENT, decimal, enumeration, interval_text, percent, plural

__all__ = ["SweepWords"]

_BASELINE = 0
#: States in the order in which they are told.
_ENDS = {
    "finished": "trained to the end",
    "pruned": "stopped early because they were behind",
    "stopped": "stopped because the time for the search was over",
    "failed": "failed",
    "running": "cut off",
}


@dataclass(frozen=True)
class SweepWords:
    """Figures and sentences of an objective: accuracy in percent and points, loss as it is."""

    accuracy: bool

    @staticmethod
    def name(trial: int) -> str:
        """What a trial is called."""
        return "base configuration" if trial == _BASELINE else f"trial {trial}"

    def value(self, value: float | None) -> str:
        """ "78.65%" or "0.6543"."""
        return percent(value) if self.accuracy else decimal(value)

    def change(self, difference: float | None) -> str:
        """ "+1.23 points" or "-0.0123"."""
        if difference is None:
            return ABSENT
        if self.accuracy:
            return f"{100 * difference + 0.0:+.2f} points"
        return f"{difference:+.4f}"

    def spread(self, deviation: float | None) -> str:
        """A standard deviation, in points for accuracies."""
        if deviation is None:
            return ABSENT
        return f"{100 * deviation:.2f}" if self.accuracy else decimal(deviation)

    def interval(self, interval: tuple[float, float] | None) -> str:
        """ "77.84% to 79.44%"."""
        if interval is None:
            return ABSENT
        if self.accuracy:
            return interval_text(Interval(*interval))
        return f"{decimal(interval[0])} to {decimal(interval[1])}"

    def winner(
        self, trial: int, mean: float, interval: tuple[float, float] | None, seeds: int
    ) -> str:
        """Who won, with what it rests on."""
        name = self.name(trial)
        sure = "" if interval is None else f"; 95% interval of the mean {self.interval(interval)}"
        return (
            f"{name[0].upper()}{name[1:]} wins: {self.value(mean)} on validation, the mean of "
            f"{plural(seeds, 'fresh seed')}{sure}."
        )

    def improvement(
        self, winner: int, improvement: tuple[float, float, float, float] | None
    ) -> str:
        """What the search gained over the hand-set configuration."""
        if winner == _BASELINE:
            return (
                "Nothing that was searched is better than the base configuration on fresh seeds: "
                "it stays."
            )
        if improvement is None:
            return "How much better than the base configuration is not known: too few seeds."
        mean, low, high, p_value = improvement
        sure = low > 0 if self.accuracy else high < 0
        verdict = "" if sure else " Seeds alone can make such a difference: take more of them."
        return (
            f"Against the base configuration that is {self.change(mean)} (95% interval "
            f"{self.change(low)} to {self.change(high)}, paired by seed, p = {decimal(p_value)})."
            f"{verdict}"
        )

    def luck(self, trial: int, searched: float, mean: float) -> str:
        """How much of the best trial's own figure its seed gave it."""
        shift = searched - mean
        lucky = shift > 0 if self.accuracy else shift < 0
        size = self.change(shift).lstrip("+-")
        said = (
            f"by these seeds {size} of its own figure was luck"
            if lucky
            else "these seeds show no luck in its figure"
        )
        return (
            f"The best figure of the search was {self.value(searched)} (of {self.name(trial)}); "
            f"with fresh seeds the same configuration gives {self.value(mean)}: {said}."
        )

    def unconfirmed(self, trial: int) -> str:
        """What to make of a winner that nothing but the search has shown."""
        return (
            f"Not confirmed: {self.name(trial)} has the best figure of the search, which is the "
            "luckiest of many. Give the sweep more time, or --confirm and --seeds, and go on."
        )

    @staticmethod
    def states(states: Sequence[str]) -> str:
        """How many trials ended how."""
        found = Counter(states)
        parts = [f"{found[state]} {said}" for state, said in _ENDS.items() if found[state]]
        return f"{plural(len(states), 'trial')}: {enumeration(parts)}."

    def method(self, *, importance: bool) -> str:
        """How all that was found out."""
        said = (
            "Every trial was trained with the same seed on the same split and judged on the "
            "validation images alone. The best ones and the base configuration were then trained "
            "anew with seeds that had no part in the choice, the same for each; the winner is the "
            "best mean over these. Intervals and p-values are Student's t, for the difference "
            "over pairs of the same seed; they say what other seeds would give on these images, "
            "not what other images would. A winner among several candidates is still chosen for "
            "its figure: a trace of luck stays, far less than in the search."
        )
        if importance:
            said += (
                " Importance is functional analysis of variance (Hutter, Hoos and Leyton-Brown, "
                "2014), computed by Optuna: a random forest is fitted to the finished trials and "
                "its variance is divided among the settings."
            )
        return said
