"""cnnlab's command line in a process that kills itself at a named instant.

``CNNLAB_KILL_AT`` says which and how often it is passed first ("INSTANT:TIMES");
``CNNLAB_KILL_COUNTS`` names a file that receives how often each was passed where none kills.
"""

from __future__ import annotations

import json
import os
import signal
import stat
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["AT", "COUNTS", "INSTANTS", "Trap", "arm"]

AT, COUNTS = "CNNLAB_KILL_AT", "CNNLAB_KILL_COUNTS"

#: The steps of the checkpoint protocol, in their order, then everything else.
INSTANTS = (
    "before a checkpoint is written",
    "half-way through a checkpoint",
    "before a checkpoint is flushed",
    "before a checkpoint is renamed",
    "before its folder is flushed",
    "before an old checkpoint is removed",
    "half-way through a line of metrics",
    "after a line of metrics",
    "within an evaluation",
    "half-way through the predictions",
    "before any flush",
    "before any rename",
)


class Trap:
    """Counts how often each instant is passed, and kills the process at one of them."""

    def __init__(self, instant: str | None = None, times: int = 1) -> None:
        if instant is not None and instant not in INSTANTS:
            raise ValueError(f"{instant}: expected one of {', '.join(INSTANTS)}")
        self._instant, self._times = instant, times
        self.passed: Counter[str] = Counter()

    def passes(self, instant: str, first: Callable[[], object] = lambda: None) -> None:
        """Pass an instant; ``first`` is done before a kill, to leave half of something."""
        self.passed[instant] += 1
        if instant == self._instant and self.passed[instant] == self._times:
            first()
            os.kill(os.getpid(), signal.SIGKILL)


def arm(trap: Trap) -> None:
    """Set the trap in this process, for good: functions of ours and of Python are replaced."""
    _watch_files(trap)
    _watch_metrics(trap)
    _watch_evaluation(trap)


def _is_checkpoint(path: Path) -> bool:
    """Whether a path is the temporary file that becomes a checkpoint."""
    return path.name.startswith((".last-", ".best.")) and path.name.endswith(".tmp")


def _watch_files(trap: Trap) -> None:
    write, fsync, replace, unlink = Path.write_bytes, os.fsync, Path.replace, Path.unlink
    writing = False  # a checkpoint, just now

    def write_bytes(path: Path, content: bytes) -> int:
        nonlocal writing
        writing = _is_checkpoint(path)
        if writing:
            trap.passes("before a checkpoint is written")
            half = content[: len(content) // 2]
            trap.passes("half-way through a checkpoint", lambda: write(path, half))
        return write(path, content)

    def flush(descriptor: int) -> None:
        folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        if writing:
            trap.passes(
                "before its folder is flushed" if folder else "before a checkpoint is flushed"
            )
        trap.passes("before any flush")
        fsync(descriptor)

    def rename(path: Path, target: Path) -> Path:
        if _is_checkpoint(path):
            trap.passes("before a checkpoint is renamed")
        trap.passes("before any rename")
        return replace(path, target)

    def remove(path: Path, missing_ok: bool = False) -> None:
        if path.name.startswith("last-"):
            trap.passes("before an old checkpoint is removed")
        unlink(path, missing_ok=missing_ok)

    _put(Path, "write_bytes", write_bytes)
    _put(os, "fsync", flush)
    _put(Path, "replace", rename)
    _put(Path, "unlink", remove)


def _watch_metrics(trap: Trap) -> None:
    from cnnlab.runs import run

    append = run.append_line  # type: ignore[attr-defined] # as it is called there

    def append_line(path: Path, line: str) -> None:
        def half() -> None:
            with path.open("a", encoding="utf-8") as stream:
                stream.write(line[: len(line) // 2])

        watched = path.name == "metrics.jsonl"
        if watched:
            trap.passes("half-way through a line of metrics", half)
        append(path, line)
        if watched:
            trap.passes("after a line of metrics")

    _put(run, "append_line", append_line)


def _watch_evaluation(trap: Trap) -> None:
    import numpy as np
    import torch

    from cnnlab.inference import Preprocessing

    apply, savez = Preprocessing.apply, np.savez

    def applied(self: Preprocessing, images: torch.Tensor) -> torch.Tensor:
        if torch.is_inference_mode_enabled():  # which training never is
            trap.passes("within an evaluation")
        return apply(self, images)

    def saved(stream: Any, **arrays: Any) -> None:
        def half() -> None:
            savez(stream, **arrays)
            stream.truncate(stream.tell() // 2)

        trap.passes("half-way through the predictions", half)
        savez(stream, **arrays)

    _put(Preprocessing, "apply", applied)
    _put(np, "savez", saved)


def _put(owner: Any, name: str, replacement: object) -> None:
    setattr(owner, name, replacement)


def main() -> None:
    """Arm what the environment asks for, then be ``cnnlab``."""
    from cnnlab.cli.main import main as cnnlab

    instant, _, times = os.environ.get(AT, "").rpartition(":")
    trap = Trap(instant or None, int(times or 1))
    arm(trap)
    try:
        cnnlab(sys.argv[1:])
    finally:
        if COUNTS in os.environ:
            Path(os.environ[COUNTS]).write_text(json.dumps(trap.passed), encoding="utf-8")


if __name__ == "__main__":
    main()
