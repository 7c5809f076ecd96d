"""Results on standard output, everything else on standard error."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from typing import Any

__all__ = ["note", "prepare_streams", "print_json", "print_text", "silence_broken_pipe"]


def prepare_streams() -> None:
    """Let no letter crash a terminal or pipe whose encoding lacks it."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def silence_broken_pipe() -> None:
    """The reader went away (``| head``): give the interpreter's last flush nothing to fail on."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())


def print_text(text: str) -> None:
    """Print a result."""
    sys.stdout.write(text + "\n")


def print_json(content: Mapping[str, Any]) -> None:
    """Print one JSON object, the only thing on standard output."""
    sys.stdout.write(json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def note(line: str) -> None:
    """Say something that is no result: a choice and its reason, a file ignored."""
    sys.stderr.write(line + "\n")
