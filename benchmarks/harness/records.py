"""The raw records: one JSON line for everything that was measured."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

__all__ = [
    "DRAWS",
    "FITS",
    "LOCKSTEP",
    "PRECISIONS_TRAINED",
    "RACES",
    "Record",
    "read_records",
]

Record = dict[str, Any]

#: The files in the folder of a comparison: of fidelity.py, lockstep.py and draws.py.
FITS, LOCKSTEP, DRAWS = "records.jsonl", "lockstep.jsonl", "draws.jsonl"
#: And that of time_to_accuracy.py.
RACES = "time_to_accuracy.jsonl"
#: And that of precision.py.
PRECISIONS_TRAINED = "precision.jsonl"


def read_records(path: Path) -> list[Record]:
    """The lines of a ``.jsonl`` file; one that was cut off while it was written never happened."""
    if not path.exists():
        return []
    whole = path.read_text(encoding="utf-8").rpartition("\n")[0]
    return [json.loads(line) for line in whole.splitlines()]
