"""A worker process as its parent sees it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from cnnlab.workflows.executors.messages import Message, send_line
from cnnlab.workflows.executors.room import Seat

__all__ = ["COMMAND", "WorkerProcess"]

#: What a worker process runs.
COMMAND = (sys.executable, "-P", "-m", "cnnlab.workflows.executors.worker")
_BLOCK_BYTES = 1 << 16
#: Of what a worker printed last.
_TAIL_BYTES = 4096
_LINE_CHARACTERS = 300


class WorkerProcess:
    """A process that does one job after the other on its seat.

    It is bound to the seat's cores from its first moment on, so that the threads of all libraries
    are. It is of a process group of its own: Ctrl-C reaches its parent alone, which closes the
    worker's input. So does the system where the parent dies.
    """

    def __init__(self, seat: Seat) -> None:
        self.seat = seat
        self._half = b""
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 # closed with the process
        with _bound_to(seat.processors):
            self._process = subprocess.Popen(  # noqa: S603 # our own command
                COMMAND,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                env=_environment(seat),
                bufsize=0,
                process_group=0,
            )

    @property
    def pid(self) -> int:
        """Its process number."""
        return self._process.pid

    def fileno(self) -> int:
        """What to wait for, for messages or its end."""
        assert self._process.stdout is not None
        return self._process.stdout.fileno()

    def send(self, message: Message) -> None:
        """Send a message; that a worker is gone shows when one listens to it."""
        assert self._process.stdin is not None
        with suppress(OSError, ValueError):
            send_line(self._process.stdin, message)

    def messages(self) -> tuple[list[Message], bool]:
        """Messages that have come, to be called when there is something; and whether it is gone."""
        block = os.read(self.fileno(), _BLOCK_BYTES)
        *lines, self._half = (self._half + block).split(b"\n")
        return [json.loads(line) for line in lines], not block

    @property
    def is_gone(self) -> bool:
        """Whether the process has ended, though a child of it may hold its output open."""
        return self._process.poll() is not None

    def ask_to_stop(self) -> None:
        """Let it save what it trains, and end."""
        assert self._process.stdin is not None
        with suppress(OSError):
            self._process.stdin.close()

    def end(self, *, grace_seconds: float = 0.0) -> str:
        """End it, where it does not end by itself in time, and say what it came to."""
        try:
            code = self._process.wait(grace_seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        said = self._last_line()
        for stream in (self._process.stdin, self._process.stdout, self._log):
            if stream is not None:
                with suppress(OSError):
                    stream.close()
        return _how(code) + (f": {said}" if said else "")

    def _last_line(self) -> str:
        size = self._log.seek(0, os.SEEK_END)
        self._log.seek(max(size - _TAIL_BYTES, 0))
        lines = self._log.read().decode("utf-8", "replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "")[
            :_LINE_CHARACTERS
        ]


def _how(code: int) -> str:
    if code >= 0:
        return f"it ended with exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"


def _environment(seat: Seat) -> dict[str, str]:
    return {
        **os.environ,
        "OMP_NUM_THREADS": str(len(seat.cores)),
        "CUDA_VISIBLE_DEVICES": seat.gpu or "",
    }


@contextmanager
def _bound_to(processors: set[int]) -> Iterator[None]:
    """Bind this thread, and what it starts, to some processors for a moment."""
    if not processors or not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, processors)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
