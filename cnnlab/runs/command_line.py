"""Commands of cnnlab as they can be typed, for messages and documents."""

from __future__ import annotations

import shlex
from pathlib import Path

__all__ = ["command_line"]

#: The folder that the verbs look for runs in where none is named.
_USUAL = Path("runs")


def command_line(*words: object, runs: Path | None = None) -> str:
    """``cnnlab`` and these words, quoted where a shell needs it.

    ``runs``: the folder in which it looks for runs, named where it is not the usual one.
    """
    where = [] if runs is None or runs == _USUAL else ["--runs", runs]
    return shlex.join(["cnnlab", *map(str, [*words, *where])])
