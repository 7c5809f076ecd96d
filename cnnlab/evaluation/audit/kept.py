"""What an audit found of a run's own split, kept in the run so that its report can say it."""

from __future__ import annotations

from cnnlab.evaluation.audit.findings import Findings
from cnnlab.evaluation.audit.text import copies_text
from cnnlab.files import write_json
from cnnlab.runs import Run
from cnnlab.runs.records import read_record

__all__ = ["copies_known", "keep_in_run"]

_FILE = "audit.json"


def keep_in_run(findings: Findings, run: Run) -> None:
    """Write the copies across parts into the run; nothing where they were not looked for."""
    if findings.duplicates is None:
        return
    across = [vars(copies) for copies in findings.copies if copies.part != copies.other]
    record = {
        "fingerprint": findings.dataset.fingerprint,
        "copies": [copies_text(**copies) for copies in across],
    }
    write_json(run.path / _FILE, record)


def copies_known(run: Run) -> list[str] | None:
    """A line for each two parts that share images; None where no audit has looked."""
    path = run.path / _FILE
    if not path.exists():
        return None
    record = read_record(path)
    same = record["fingerprint"] == run.split["dataset"]["fingerprint"]
    return list(record["copies"]) if same else None
