"""Times training steps, for every side alike. It imports nothing beyond Python."""

from __future__ import annotations

import time
from collections.abc import Callable

from harness.records import Record

__all__ = ["StepClock"]


class StepClock:
    """Counts the steps that begin after a warm-up, until they have lasted long enough.

    A step lasts from the end of the one before to its own end, so what comes between them
    (gathering and moving the next batch) belongs to it. The first step, which may compile and
    allocate, begins before the warm-up and is never counted.

    Parameters
    ----------
    batch_size: images a step.
    warm_up_seconds: from the end of the first step.
    seconds: that the counted steps shall last in all.
    now: gives the time in seconds.
    """

    def __init__(
        self,
        batch_size: int,
        *,
        warm_up_seconds: float,
        seconds: float,
        now: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._batch_size, self._enough, self._now = batch_size, seconds, now
        self._warm_up = warm_up_seconds
        self._warm_at: float | None = None
        self._last: float | None = None
        self._steps, self._seconds = 0, 0.0

    def step_ended(self) -> bool:
        """Say that a step has ended; the answer is whether that is enough."""
        now = self._now()
        if self._warm_at is None:
            self._warm_at = now + self._warm_up
        elif self._last is not None and self._last >= self._warm_at:
            self._steps += 1
            self._seconds += now - self._last
        self._last = now
        return self._steps > 0 and self._seconds >= self._enough

    def pause(self) -> None:
        """Leave the next step out, for something else comes first: an epoch begins, say."""
        self._last = None

    def result(self) -> Record:
        """Images a second over the counted steps, their number and the seconds they took.

        Raises ``ValueError`` where none was counted.
        """
        if not self._steps:
            raise ValueError("training ended before a step could be counted")
        return {
            "images_per_second": self._steps * self._batch_size / self._seconds,
            "steps": self._steps,
            "timed_seconds": self._seconds,
        }
