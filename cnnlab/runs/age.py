"""When a run was made."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from cnnlab.errors import RunError
from cnnlab.runs.records import read_record

__all__ = ["made_at"]


def made_at(folder: Path) -> datetime:
    """When the run in ``folder`` was made, in this machine's time.

    Where ``environment.json`` does not say it, as in older runs: when ``config.yaml`` was written,
    which happens once, but to each copy of the run anew. :class:`RunError` where the run is gone.
    """
    config = folder / "config.yaml"
    try:
        seconds = config.stat().st_mtime
    except OSError:
        raise RunError("missing", where=config, todo="was the run removed?") from None
    try:
        said = read_record(folder / "environment.json").get("created", "")
        return datetime.fromisoformat(said).astimezone()
    except (RunError, OverflowError, ValueError):
        return datetime.fromtimestamp(seconds).astimezone()
