"""What the commands of this folder share: their options, and how they end."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from cnnlab.errors import CnnlabError

__all__ = ["measurement_options", "run_command"]


def measurement_options(
    description: str | None, *, data: str | None, threads: int, out: Path
) -> argparse.ArgumentParser:
    """A parser with what every measurement is asked, and the defaults.

    ``data`` is for the help; None where the images are not to be chosen.
    """
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    if data is not None:
        add("--data", default="cifar10-jpeg", help=data)
    add("--threads", type=int, default=threads, help="threads of each process")
    add("--out", type=Path, default=out, help="what is measured or trained goes here")
    return parser


def run_command(name: str, work: Callable[[], None]) -> int:
    """Do ``work``; an error is one line on standard error. Returns the exit code."""
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so workers are stopped, too
    try:
        work()
    except CnnlabError as error:
        print(f"{name}: {error}", file=sys.stderr)
        return error.exit_code
    finally:
        signal.signal(signal.SIGTERM, before)
    return 0
