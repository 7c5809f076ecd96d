"""What a run remembers of trackers: its own id, and where it is being sent."""

from __future__ import annotations

import re
import uuid
from typing import Any

from cnnlab.errors import RunError
from cnnlab.files import write_json
from cnnlab.runs import Run
from cnnlab.runs.records import read_record
from cnnlab.tracking.target import Target

__all__ = ["FOLDER", "remember", "remembered", "run_id"]

#: The folder of trackers in a run.
FOLDER = "tracking"

_FILE = "tracking.json"
_ID = re.compile(r"[0-9a-f]{32}")


def run_id(run: Run) -> str:
    """The run's id, drawn by chance when it is first asked for and kept in the run from then on.

    Trackers find the run again by it, so a copy of a run is the same run to them, and another
    training of the same name is another one.
    """
    return str(_record(run)["id"])


def remember(run: Run, targets: list[Target]) -> None:
    """Write down where the run is being sent, for whoever resumes it.

    An address that holds a password is not written down.
    """
    kept = [vars(target) for target in targets if not target.holds_password]
    record = {**_record(run), "targets": kept}
    write_json(run.path / FOLDER / _FILE, record)


def remembered(run: Run) -> list[Target]:
    """Where the run was being sent while it was trained; nowhere for one that never was."""
    if not (run.path / FOLDER / _FILE).exists():
        return []
    said = _record(run).get("targets", [])
    try:
        return [Target(str(entry["name"]), entry["where"]) for entry in said]
    except (LookupError, TypeError):
        raise _damaged(run) from None


def _record(run: Run) -> dict[str, Any]:
    path = run.path / FOLDER / _FILE
    if not path.exists():
        record: dict[str, Any] = {"id": uuid.uuid4().hex, "targets": []}
        write_json(path, record)
        return record
    record = read_record(path)
    if not _ID.fullmatch(str(record.get("id"))):
        raise _damaged(run)
    return record


def _damaged(run: Run) -> RunError:
    path = run.path / FOLDER / _FILE
    return RunError("damaged", where=path, todo="remove it, and what was sent of the run")
