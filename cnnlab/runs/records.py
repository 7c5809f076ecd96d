"""A run's JSON files: read whole, and held against what the rest of the house relies on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cnnlab.errors import RunError

__all__ = ["Record", "read_lines", "read_record"]

Record = dict[str, Any]

_NUMBER = (int, float)

#: What each record needs, by its file's name; more is welcome.
_NEEDED: dict[str, dict[str, type | tuple[type, ...]]] = {
    "environment.json": {"choices": dict},
    "preprocessing.json": {
        "mean": list,
        "std": list,
        "image_size": list,
        "resize": str,
        "mirror": bool,
    },
    "result.json": {
        "status": str,
        "stopped_because": str,
        "epochs": int,
        "train_seconds": _NUMBER,
        "images_per_second": _NUMBER,
    },
    "metrics.jsonl": {"stage": int, "epoch": int},
    "timing.jsonl": {"stage": int, "epoch": int, "seconds": _NUMBER},
    "resources.jsonl": {"seconds": _NUMBER},
    "ledger.jsonl": {"time": str, "command": str, "n": int, "top1": _NUMBER},
    "inexact.jsonl": {"after_step": int, "changed": list},
}


def _missing(record: Record, file: str) -> list[str]:
    """The keys that a record lacks, or that hold something else."""
    needed = _NEEDED.get(file, {})
    return [key for key, kinds in needed.items() if not isinstance(record.get(key), kinds)]


def read_record(path: Path) -> Record:
    """Read a file that holds one object; :class:`RunError` where it is damaged or incomplete."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        content = None
    todo = "train the run again"
    if not isinstance(content, dict):
        raise RunError("missing or damaged", where=path, todo=todo)
    missing = _missing(content, path.name)
    if missing:
        raise RunError(f"incomplete: {', '.join(missing)}", where=path, todo=todo)
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
    where, todo = f"{path}, line {number}", "remove the line, or train the run again"
    try:
        record: Record = dict(json.loads(text))
    except (TypeError, ValueError):
        raise RunError("damaged", where=where, todo=todo) from None
    missing = _missing(record, path.name)
    if missing:
        raise RunError(f"incomplete: {', '.join(missing)}", where=where, todo=todo)
    return record
