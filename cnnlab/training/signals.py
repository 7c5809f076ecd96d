"""Ctrl-C, TERM and a file in the run ask training to stop at the next step, where it is whole."""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import FrameType

__all__ = ["STOP_FILE_EXIT_CODE", "StopRequest"]

#: The file is looked for this often at most: on a network's file system a look takes a while.
_LOOK_SECONDS = 0.2

#: A training that was stopped through the file ends as if it had been sent TERM.
STOP_FILE_EXIT_CODE = 128 + signal.SIGTERM


class StopRequest:
    """While it is entered, INT and TERM are noted instead of ending the process.

    A second signal of the same kind acts as it always did, so a hanging process can be ended.

    ``file`` is where somebody else may ask to stop, as the page does; it counts as TERM. What
    lies there before was meant for an earlier training, and it never outlives this one.
    """

    def __init__(self, file: Path | None = None) -> None:
        self.signal: int | None = None
        self._file = file
        self._looked = 0.0
        self._previous: dict[int, object] = {}

    @property
    def asked(self) -> bool:
        """Whether to stop; to be asked after every step."""
        if time.monotonic() - self._looked < _LOOK_SECONDS:
            return self.signal is not None
        return self.asked_now()

    def asked_now(self) -> bool:
        """Whether to stop, whenever the file was looked for last: to be asked after an epoch.

        Who watches epochs may stop a training there, and not some steps later.
        """
        if self.signal is None and self._file is not None:
            self._looked = time.monotonic()
            if os.path.lexists(self._file):
                self.signal = signal.SIGTERM
        return self.signal is not None

    @property
    def exit_code(self) -> int:
        """130 after INT, 143 after TERM or a file."""
        return 128 + (self.signal or signal.SIGINT)

    def __enter__(self) -> StopRequest:
        self._remove_file()
        # Only the main thread may set handlers; elsewhere (a notebook's worker) there is no
        # signal to catch either.
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._previous[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for number in list(self._previous):
            self._restore(number)
        self._remove_file()

    def _remove_file(self) -> None:
        if self._file is not None:
            with suppress(OSError):  # a folder that went read-only has worse to report
                self._file.unlink(missing_ok=True)

    def _note(self, number: int, frame: FrameType | None) -> None:
        del frame
        self.signal = number
        self._restore(number)

    def _restore(self, number: int) -> None:
        previous = self._previous.pop(number, None)
        if previous is not None:
            signal.signal(number, previous)  # type: ignore[arg-type] # what signal() gave us
