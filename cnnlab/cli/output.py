"""Results on standard output, everything else on standard error."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, TextIO

from cnnlab.errors import StorageError
from cnnlab.tables import printable

__all__ = [
    "Shown",
    "check_output",
    "note",
    "prefer_utf8",
    "prepare_streams",
    "print_json",
    "print_result",
    "print_text",
]


def prefer_utf8() -> None:
    """Begin anew in Python's UTF-8 mode where file names would be ASCII.

    Images and runs may be called anything, and what was trained under another locale names them
    in UTF-8. The streams keep their encoding. Python does the same by itself, unless the
    environment forbids it (PEP 540).
    """
    if sys.getfilesystemencoding() != "ascii" or "utf8" in sys._xoptions:
        return
    if sys.stdout is not None:
        os.environ.setdefault("PYTHONIOENCODING", f"{sys.stdout.encoding}:backslashreplace")
    os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])  # noqa: S606 # ourselves


def prepare_streams() -> None:
    """Let no letter crash a terminal whose encoding lacks it, nor a stream that is closed."""
    sys.stdout = sys.stdout or _nowhere()
    sys.stderr = sys.stderr or _nowhere()
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def _nowhere() -> TextIO:
    return Path(os.devnull).open("w", encoding="utf-8")


def _point_at_nothing(stream: TextIO) -> None:
    """Give the interpreter's last flush nothing to fail on."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def _write(text: str) -> None:
    try:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
    except BrokenPipeError:  # the reader went away (``| head``)
        _point_at_nothing(sys.stdout)
    except OSError as error:
        raise _unwritable(error) from error


def _unwritable(error: OSError) -> StorageError:
    _point_at_nothing(sys.stdout)
    reason = error.strerror or str(error)
    return StorageError(f"cannot write: {reason}", where="standard output")


def check_output() -> None:
    """:class:`StorageError` where standard output takes nothing any more: a line's end is tried."""
    try:
        sys.stdout.write("\n")
        sys.stdout.flush()
    except BrokenPipeError:
        _point_at_nothing(sys.stdout)
    except OSError as error:
        raise _unwritable(error) from error


def print_text(text: str) -> None:
    """Print a result."""
    _write(text)


def print_json(content: Mapping[str, Any]) -> None:
    """Print one JSON object, the only thing on standard output."""
    _write(json.dumps(content, indent=1, allow_nan=False))


class Shown(Protocol):
    """What a verb found, for programs and for people."""

    def to_dict(self) -> Mapping[str, Any]:
        """As plain values."""

    def to_text(self) -> str:
        """As lines."""


def print_result(found: Shown, as_json: bool) -> None:
    """Print what a verb found, as ``--json`` asks for it or as text."""
    if as_json:
        print_json(found.to_dict())
    else:
        print_text(found.to_text())


def note(line: str) -> None:
    """Say something that is no result: a choice and its reason, a file ignored.

    Names that files bring along do nothing to the terminal.
    """
    try:
        sys.stderr.write("\n".join(map(printable, line.split("\n"))) + "\n")
        sys.stderr.flush()
    except OSError:  # whoever watched has gone, or the log's disk is full; the work goes on
        _point_at_nothing(sys.stderr)
