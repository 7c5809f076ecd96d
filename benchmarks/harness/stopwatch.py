"""One clock for all sides; it needs nothing but Python, for Keras's side has no cnnlab."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["Stopwatch"]


class Stopwatch:
    """Seconds since it was made, without those that were spent in :meth:`paused`."""

    def __init__(self) -> None:
        self._start = time.perf_counter()
        self.off_seconds = 0.0

    @property
    def seconds(self) -> float:
        """What counts so far; read it while the clock runs."""
        return time.perf_counter() - self._start - self.off_seconds

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Take what happens within off the clock; not to be nested."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.off_seconds += time.perf_counter() - began
