"""The runs of a folder under names that are safe in an address."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

from cnnlab.runs import Run, list_runs

__all__ = ["RunIndex", "data_id", "run_id"]

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,120}")
_DIGEST = re.compile(r"[0-9a-f]{64}")


def run_id(name: str) -> str:
    """What stands for a run's name in an address.

    The name itself where it is plain (in a query "+" would be a space); otherwise a digest, which
    nothing can be smuggled in with.
    """
    if _PLAIN.fullmatch(name):
        return name
    return "~" + hashlib.sha256(os.fsencode(name)).hexdigest()[:16]


def data_id(fingerprint: str) -> str:
    """What stands for a dataset in an address: the first letters of its fingerprint.

    A run from somebody else may say anything there.
    """
    if _DIGEST.fullmatch(fingerprint):
        return fingerprint[:16]
    return "~" + hashlib.sha256(fingerprint.encode("utf-8", "backslashreplace")).hexdigest()[:16]


@dataclass(frozen=True)
class RunIndex:
    """The runs that stand in ``folder`` when asked.

    What comes in a request is only ever compared with what is there; no path is made of it.
    """

    folder: Path

    def all(self) -> list[Run]:
        """Every run, oldest first."""
        return list_runs(self.folder)

    def find(self, key: str) -> Run | None:
        """The run whose :func:`run_id` is ``key``; None where there is none."""
        return next((run for run in self.all() if run_id(run.name) == key), None)
