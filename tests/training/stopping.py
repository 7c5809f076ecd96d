"""Stopping a training, and what must be the same wherever it was stopped (``content``)."""

import signal

from cnnlab.training.events import BatchDone
from cnnlab.workflows.same_bytes import evidence as content

__all__ = ["content", "kill_at"]


def kill_at(step, number=signal.SIGTERM):
    """A watcher that sends this process a signal after so many steps."""
    seen = []

    def watch(event):
        if isinstance(event, BatchDone):
            seen.append(event)
            if len(seen) == step:
                signal.raise_signal(number)

    return watch
