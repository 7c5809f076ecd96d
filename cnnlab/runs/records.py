"""A run's JSON files: read whole, and held against their forms."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cnnlab.errors import RunError
from cnnlab.files import storage_errors, write_bytes
from cnnlab.runs.forms import check_form

__all__ = ["Record", "keep_lines", "read_lines", "read_record"]

Record = dict[str, Any]

_AGAIN = "train the run again"


def read_record(path: Path, *, todo: str = _AGAIN) -> Record:
    """Read a file that holds one object; :class:`RunError` where it is damaged or incomplete.

    ``todo``: what the error says brings the file back.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise RunError("missing or damaged", where=path, todo=todo)
    check_form(path.name, content, path, todo=todo)
    return content


def read_lines(path: Path) -> list[Record]:
    """Read a file of one object a line, oldest first; none where there is no such file.

    A line without its end was cut off while it was written: it never happened. Raises
    :class:`RunError` that names a line which is damaged or incomplete.
    """
    if not path.exists():
        return []
    try:
        whole = path.read_bytes().rpartition(b"\n")[0]
    except OSError as error:
        raise RunError(f"cannot be read: {error.strerror or error}", where=path) from error
    return [_line(text, path, at) for at, text in enumerate(whole.splitlines(), start=1)]


def _line(text: bytes, path: Path, number: int) -> Record:
    where = f"{path}, line {number}"
    try:
        record: Record = dict(json.loads(text))
    except (TypeError, ValueError, RecursionError):
        todo = "remove the line, or train the run again"
        raise RunError("damaged", where=where, todo=todo) from None
    check_form(path.name, record, where, todo=_AGAIN)
    return record


def keep_lines(path: Path, count: int) -> None:
    """Cut a file of one object a line back to its first ``count`` lines."""
    with storage_errors(path):
        content = path.read_bytes() if path.exists() else b""
    kept = b"".join(content.splitlines(keepends=True)[:count])
    if kept != content:
        write_bytes(path, kept)
