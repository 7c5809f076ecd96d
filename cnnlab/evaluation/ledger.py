"""Each time the test images were opened: when, by which command, what it showed."""

from __future__ import annotations

import datetime
import sys
from pathlib import Path

from cnnlab.runs import Run

__all__ = ["enter_test_opening"]


def _command() -> str:
    """The command line as the user typed it, or the program that called us."""
    return " ".join([Path(sys.argv[0]).name, *sys.argv[1:]]) if sys.argv[0] else "python"


def enter_test_opening(run: Run, *, n: int, top1: float, command: str | None = None) -> None:
    """Append a line to the run's ledger; there is no way to look at test without it."""
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    run.append(
        "ledger.jsonl",
        {
            "time": now,
            "command": command or _command(),
            "split": "test",
            "n": n,
            "top1": top1,
        },
    )
