"""Audits that were made of a dataset: found by its fingerprint, read from what they wrote."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cnnlab.page.index import data_id

__all__ = ["AuditFound", "Copies", "Suspect", "find_audit"]

_MOST_BYTES = 32 << 20
_MOST_PAIRS, _MOST_SUSPECTS = 24, 24


@dataclass(frozen=True)
class Copies:
    """Two rows that show one picture: their parts, their labels, and how alike they are."""

    rows: tuple[int, int]
    parts: tuple[str, str]
    labels: tuple[str, str]
    exact: bool
    likeness: float


@dataclass(frozen=True)
class Suspect:
    """A row whose label is likely wrong, what it may be instead, and how likely that is."""

    row: int
    part: str
    label: str
    suggested: str
    probability: float


@dataclass(frozen=True)
class AuditFound:
    """What ``cnnlab audit`` wrote into ``folder``, as far as the page shows it.

    ``counts``: problems by name; ``pairs``, ``suspects``: the first of each.
    """

    folder: Path
    counts: dict[str, int]
    pairs: tuple[Copies, ...]
    suspects: tuple[Suspect, ...]

    @property
    def report(self) -> Path | None:
        """The audit's own document; None where there is none."""
        path = self.folder / "report.html"
        return path if path.is_file() and not path.is_symlink() else None


def find_audit(audits: Path, dataset: str) -> AuditFound | None:
    """The newest audit in ``audits`` of the dataset with this :func:`data_id`; None without one.

    What is damaged, or is something else, is passed over.
    """
    # A link may lead anywhere; what an audit writes is none.
    written = audits.glob("*/findings.json")
    files = [path for path in written if path.is_file() and not path.is_symlink()]
    for path in sorted(files, key=lambda path: path.stat().st_mtime, reverse=True):
        try:
            if path.stat().st_size <= _MOST_BYTES:
                found = json.loads(path.read_text(encoding="utf-8"))
                if data_id(str(found["fingerprint"])) == dataset:
                    return _read(path.parent, found)
        except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
            continue
    return None


def _read(folder: Path, found: dict[str, Any]) -> AuditFound:
    duplicates, labels = found.get("duplicates") or {}, found.get("label_errors") or {}
    return AuditFound(
        folder,
        counts={str(name): int(count) for name, count in found["counts"].items()},
        pairs=tuple(map(_pair, duplicates.get("listed", [])[:_MOST_PAIRS])),
        suspects=tuple(map(_suspect, labels.get("listed", [])[:_MOST_SUSPECTS])),
    )


def _pair(record: dict[str, Any]) -> Copies:
    a, b = record["a"], record["b"]
    return Copies(
        rows=(int(a["row"]), int(b["row"])),
        parts=(str(a["part"]), str(b["part"])),
        labels=(str(a["class"]), str(b["class"])),
        exact=bool(record["exact"]),
        likeness=float(record["likeness"]),
    )


def _suspect(record: dict[str, Any]) -> Suspect:
    return Suspect(
        row=int(record["row"]),
        part=str(record["part"]),
        label=str(record["class"]),
        suggested=str(record["suggested"]),
        probability=float(record["probability"]),
    )
