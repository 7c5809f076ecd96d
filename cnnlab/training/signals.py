"""Ctrl-C and TERM ask training to stop at the next step, where its state is whole."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType

__all__ = ["StopRequest"]


class StopRequest:
    """While it is entered, INT and TERM are noted instead of ending the process.

    A second signal of the same kind acts as it always did, so a hanging process can be ended.
    """

    def __init__(self) -> None:
        self.signal: int | None = None
        self._previous: dict[int, object] = {}

    @property
    def exit_code(self) -> int:
        """130 after INT, 143 after TERM."""
        return 128 + (self.signal or signal.SIGINT)

    def __enter__(self) -> StopRequest:
        # Only the main thread may set handlers; elsewhere (a notebook's worker) there is no
        # signal to catch either.
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._previous[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number in list(self._previous):
            self._restore(number)

    def _note(self, number: int, frame: FrameType | None) -> None:
        del frame
        self.signal = number
        self._restore(number)

    def _restore(self, number: int) -> None:
        previous = self._previous.pop(number, None)
        if previous is not None:
            signal.signal(number, previous)  # type: ignore[arg-type] # what signal() gave us
