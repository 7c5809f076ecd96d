"""How long a sweep may take, and how that is divided between search and confirmation."""

from __future__ import annotations

import math
from dataclasses import dataclass

from cnnlab.errors import ConfigError

__all__ = ["Budget"]

#: Confirmation never takes more than this share of the time.
_MOST_CONFIRMING = 0.5
_MOST = 1000


@dataclass(frozen=True)
class Budget:
    """What a sweep may use.

    Attributes
    ----------
    seconds: of the sweep's clock, in all; None: no limit.
    trials: in the search, the base configuration counted; None: no limit.
    confirm: how many of the best are trained on fresh seeds, beside the base configuration.
    seeds: fresh seeds of each; 0: none is confirmed.
    """

    seconds: float | None = None
    trials: int | None = None
    confirm: int = 3
    seeds: int = 3

    def check(self, *, finite: bool) -> None:
        """Raise :class:`ConfigError` for what is out of range, or without an end.

        ``finite``: the sampler itself comes to an end.
        """
        if self.seconds is None and self.trials is None and not finite:
            raise ConfigError(
                "a search needs an end", expected="--time, e.g. 30m, or --trials, e.g. 40"
            )
        if self.seconds is not None and not (math.isfinite(self.seconds) and self.seconds > 0):
            raise ConfigError(f"{self.seconds} seconds", where="--time", expected="more than 0")
        ranges = {"--trials": (self.trials, 1, 100_000), "--confirm": (self.confirm, 0, _MOST),
                  "--seeds": (self.seeds, 0, _MOST)}  # fmt: skip
        for option, (value, low, high) in ranges.items():
            if value is not None and not low <= value <= high:
                raise ConfigError(
                    f"the value is {value}", where=option, expected=f"{low} to {high:,}"
                )

    def kept(self, full_seconds: float | None, slots: int) -> float:
        """Seconds that the search leaves for confirmation, as far as its length is known.

        ``full_seconds`` is what one training to its end takes, ``slots`` how many run at once.
        """
        if self.seconds is None or not self.confirm or not self.seeds:
            return 0.0
        most = _MOST_CONFIRMING * self.seconds
        if full_seconds is None:
            return most
        rounds = math.ceil((self.confirm + 1) * self.seeds / slots)
        return min(rounds * full_seconds, most)

    def search_ends(self, full_seconds: float | None, slots: int) -> float:
        """The second at which a trial that still runs is stopped."""
        if self.seconds is None:
            return math.inf
        return self.seconds - self.kept(full_seconds, slots)

    def may_start(
        self, elapsed: float, started: int, full_seconds: float | None, slots: int
    ) -> bool:
        """Whether one more trial is to be begun: it shall be able to come to its end."""
        if self.trials is not None and started >= self.trials:
            return False
        if not started:
            return True
        return elapsed + (full_seconds or 0.0) <= self.search_ends(full_seconds, slots)

    def may_confirm(
        self, elapsed: float, candidates: int, round_: int, full_seconds: float | None, slots: int
    ) -> bool:
        """Whether one more round, a seed of every candidate, is to be begun; rounds count from 0.

        The first one is begun wherever there is time left at all.
        """
        if self.seconds is None:
            return True
        takes = 0.0 if round_ == 0 else math.ceil(candidates / slots) * (full_seconds or 0.0)
        return elapsed + takes < self.seconds
