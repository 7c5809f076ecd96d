"""A worker of the executor ``local``: ``python -m cnnlab.workflows.executors.worker``.

It takes jobs and answers as lines of JSON on standard input, and says epochs and ends as such lines
on standard output. Where its input ends, whoever started it is gone or wants it to stop: a training
under way is saved, and the process ends.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import IO, Any

from cnnlab.errors import Interrupted
from cnnlab.runs import Run
from cnnlab.training.events import Event, Notice
from cnnlab.workflows.executors.interface import Job
from cnnlab.workflows.executors.messages import (
    Message,
    end_to,
    job_from,
    send_line,
    unexpected,
)
from cnnlab.workflows.executors.work import work

__all__ = ["await_unlocked", "main"]

#: How long a training may take to save itself after whoever asked for it is gone.
_PATIENCE_SECONDS = 60.0

#: A worker before this one may need so long to see that it is to end, and to save its run.
_LOCKED_SECONDS = 60.0
_LOOK_SECONDS = 0.1


class _Line:
    """The line to whoever started this process."""

    def __init__(self, inbox: IO[bytes], outbox: IO[bytes]) -> None:
        self._inbox, self._outbox = inbox, outbox
        self._messages: queue.Queue[Message | None] = queue.Queue()
        self.working = self.closed = False
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        """Take messages down while the main thread trains."""
        for line in self._inbox:
            self._messages.put(json.loads(line))
        self.closed = True
        if self.working:  # as TERM does: training saves itself, anything else just ends
            os.kill(os.getpid(), signal.SIGTERM)
        self._messages.put(None)
        time.sleep(_PATIENCE_SECONDS)
        os.kill(os.getpid(), signal.SIGKILL)

    def next(self) -> Message | None:
        """The next message; None where there will be none."""
        return self._messages.get()

    def say(self, message: Message) -> None:
        """Send a message; nobody may be there to read it."""
        with suppress(OSError):
            send_line(self._outbox, message)

    def epoch(self, record: Mapping[str, Any]) -> bool:
        """Tell of an epoch, and wait until it is said whether to stop."""
        self.say({"kind": "epoch", "record": dict(record)})
        answer = self.next()
        return answer is not None and bool(answer["stop"])

    def watch(self, event: Event) -> None:
        """Pass on what training has to say."""
        if isinstance(event, Notice):
            self.say({"kind": "notice", "text": event.text})


def await_unlocked(job: Job) -> None:
    """Give the job's last worker, which may still be saving it, some time to end."""
    run, end = Run(job.path), time.monotonic() + _LOCKED_SECONDS
    while run.in_use and time.monotonic() < end:
        time.sleep(_LOOK_SECONDS)


def _do(job: Job, line: _Line) -> Message:
    await_unlocked(job)
    try:
        return {"kind": "end", **end_to(work(job, line.epoch, line.watch))}
    except Interrupted as error:
        return {"kind": "interrupted", "exit_code": error.exit_code}
    except Exception as error:
        if os.environ.get("CNNLAB_TRACEBACK"):
            raise
        return {"kind": "end", **end_to(unexpected(job, error))}


def _take_line() -> _Line:
    """Take standard input and output for messages; what anything prints goes to the log."""
    inbox = os.fdopen(os.dup(0), "rb", buffering=0)
    outbox = os.fdopen(os.dup(1), "wb", buffering=0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return _Line(inbox, outbox)


def main() -> int:
    """Do jobs until there are no more; the exit code."""
    line = _take_line()
    while (message := line.next()) is not None:
        line.working = True
        if line.closed:  # before it could be seen that there is work to save
            return 0
        said = _do(job_from(message), line)
        line.working = False
        line.say(said)
        if said["kind"] == "interrupted":
            return int(said["exit_code"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
