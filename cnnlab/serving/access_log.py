"""A line a request on standard error, written by a thread, so that no reader can hold us up."""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Callable

__all__ = ["AccessLog"]

#: Lines that wait at most; a reader that is slower than the requests misses some, and is told.
_WAITING = 10_000
_PAUSE_SECONDS = 0.1
_LAST_SECONDS = 1.0


def _to_standard_error(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()


class AccessLog:
    """Takes lines and writes them a little later, several at once."""

    def __init__(self, write: Callable[[str], None] = _to_standard_error) -> None:
        self._write, self._lines = write, deque[str](maxlen=_WAITING)
        self._missed = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, name="access log", daemon=True)

    def __enter__(self) -> AccessLog:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(_LAST_SECONDS)

    def add(self, line: str) -> None:
        """Keep a line; it is the caller's that nothing in it acts on a terminal."""
        self._missed += len(self._lines) == _WAITING
        self._lines.append(line)

    def _work(self) -> None:
        while not self._over.wait(_PAUSE_SECONDS):
            self._flush()
        self._flush()

    def _flush(self) -> None:
        taken = []
        while self._lines:
            taken.append(self._lines.popleft())
        if self._missed:
            taken.append(f"cnnlab: {self._missed:,} lines of the access log are missing here")
            self._missed = 0
        if taken:
            try:
                self._write("\n".join(taken) + "\n")
            except (OSError, ValueError):  # nobody reads it, or it is closed: serving goes on
                self._lines.clear()
