"""What every worker's process does first: leave signals to the server, take the job."""

from __future__ import annotations

import signal
import socket
import sys
from typing import Any

from cnnlab.serving.frames import read_job

__all__ = ["enter"]


def enter() -> tuple[socket.socket, dict[str, Any]]:
    """The socket whose number is the first argument, and the job that comes through it.

    INT and TERM may reach the server's whole group of processes. It is the server that ends its
    workers, by closing the socket, once it has answered what is in flight.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    channel = socket.socket(fileno=int(sys.argv[1]))
    job = read_job(channel)
    if job is None:
        sys.exit(0)
    return channel, job
