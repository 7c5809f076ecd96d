"""Does the earlier state load, and go on to the same bytes, whatever operation on files fails?

A small training with checkpoints, decoded images, predictions and ledger, a report, the removal
of a run and a download are each done once, and every operation on files in them is counted:
opening, writing, truncating, flushing, renaming, removing. Then each is done again for every
operation, which fails: alone, or it and all after it, as when a disk stays full; writes also
take fewer bytes than given. Afterwards everything is read, goes on without a fault, and is
compared with what nothing disturbed. Every fault is one line of OUT/faults.jsonl and is not done
again; what was cut off goes on::

    python benchmarks/faults.py --out OUT
    python benchmarks/faults.py --out OUT --report docs/results/faults.md
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from harness.command import measurement_options, run_command
from harness.records import Record, read_records
from harness.sessions import Section, Session, document_of, measure_or_report
from injection.injector import ERRORS, FORMS, KINDS, Fault, Operation, kind_of_file
from injection.workflows import NAMES, make_trial

from cnnlab.errors import RunError
from cnnlab.metrics.statistics import clopper_pearson
from cnnlab.reports.document import Block, Document, ItemList, Paragraph, Table

__all__ = ["build_document", "main", "plan"]

_FILE = "faults.jsonl"


def plan(operations: Sequence[Operation]) -> list[Fault]:
    """Every operation with every error, alone and from then on; every write that falls short."""
    found = []
    for number, operation in enumerate(operations):
        found += [Fault(number, form, error) for form in FORMS[:2] for error in ERRORS]
        if operation.kind == "write":
            found.append(Fault(number, "short", ""))
    return found


def measure(asked: argparse.Namespace, session: Session) -> None:
    """Inject the faults that are not recorded yet."""
    done = {_key(record) for record in read_records(session.file)}
    work = asked.out.absolute() / "work"
    for name in asked.workflows:
        trial = make_trial(name, work)
        faults = plan(trial.operations)
        todo = [fault for fault in faults if (name, *asdict(fault).values()) not in done]
        print(f"{name}: {len(todo)} faults to inject, {len(faults) - len(todo)} recorded")
        for fault in todo:
            verdict = trial.try_fault(fault)
            file = kind_of_file(verdict.operation.path)
            facts = {"kind": "fault", "workflow": name, "threads": 1, "file": file}
            session.add({**facts, **asdict(fault), **asdict(verdict)})
            for problem in verdict.problems:
                print(f"{_told(session.records[-1])}: {problem}", flush=True)
    shutil.rmtree(work, ignore_errors=True)


def _key(record: Record) -> tuple[Any, ...]:
    return record["workflow"], record["number"], record["form"], record["error"]


def _told(record: Record) -> str:
    error = record["error"] or "fewer bytes"
    return (
        f"{record['workflow']}, operation {record['number'] + 1} "
        f"({record['operation']['kind']} of {record['operation']['path']}), "
        f"{error} {record['form']}"
    )


def build_document(records: Sequence[Record]) -> Document:
    """How many states loaded and went on to the same bytes, by file, operation and error."""
    if not records:
        raise RunError("no fault is recorded", todo="run faults.py first")
    operations = {(record["workflow"], record["number"]) for record in records}
    bad = [record for record in records if record["problems"]]
    loaded, equal = (sum(record[key] for record in records) for key in ("loads", "equal"))
    bound = clopper_pearson(len(bad), len(records), 0.90).high
    files = sorted({record["file"] for record in records})
    kinds = [kind for kind in KINDS if any(r["operation"]["kind"] == kind for r in records)]
    blocks: list[Block] = [
        Paragraph(
            f"{len(operations)} operations, {len(records)} faults: the earlier state loaded after "
            f"{loaded}, and {equal} went on to the same bytes. {len(records) - len(bad)} held in "
            "every respect: one line of error with exit code 3 that names the place, no "
            "traceback, no temporary file left. Every operation of these workflows was hit, so "
            "this is a count and no estimate; of faults like these, "
            f"with 95% confidence at most {bound:.2%} break something."
        ),
        _table("file", [(name, [r for r in records if r["file"] == name]) for name in files]),
        _table(
            "operation",
            [(kind, [r for r in records if r["operation"]["kind"] == kind]) for kind in kinds],
        ),
        _table("fault", _by_fault(records)),
        Paragraph(_conditions()),
    ]
    if bad:
        blocks.append(ItemList(tuple(f"{_told(r)}: {'; '.join(r['problems'])}." for r in bad)))
    return document_of(
        "Faults",
        "Does the earlier state load, and go on to the same bytes, whatever operation fails?",
        "faults.py",
        [Section("Faults", records, blocks)],
    )


def _by_fault(records: Sequence[Record]) -> list[tuple[str, list[Record]]]:
    faults = [(form, error) for form in FORMS[:2] for error in ERRORS] + [("short", "")]
    return [
        (
            f"{error or 'fewer bytes'}, {form}" if error else "a write of fewer bytes",
            [r for r in records if (r["form"], r["error"]) == (form, error)],
        )
        for form, error in faults
    ]


def _table(name: str, groups: Sequence[tuple[str, Sequence[Record]]]) -> Table:
    header = (name, "operations", "faults", "loads", "same bytes", "ended rightly", "nothing left")
    rows = [_row(title, group) for title, group in groups if group]
    caption = f"Faults by {name}; each figure counts the faults after which it held."
    return Table.of(header, rows, caption)


def _row(title: str, records: Sequence[Record]) -> tuple[str, ...]:
    def without(start: str) -> int:
        return sum(not any(p.startswith(start) for p in r["problems"]) for r in records)

    ended = sum(r["rightly_ended"] for r in records)
    operations = len({(r["workflow"], r["number"]) for r in records})
    loads, equal = (sum(r[key] for r in records) for key in ("loads", "equal"))
    return title, *map(str, (operations, len(records), loads, equal, ended, without("left over")))


def _conditions() -> str:
    return (
        "ENOSPC is a full disk, EIO a broken one, EACCES a permission that is lost. Once: that "
        "operation alone fails. From then on: it and every one after it. A failing write leaves "
        "half of what it was given. Injected are the calls that Python makes; not what the "
        "kernel does later with memory-mapped pages, whose blocks are set aside beforehand. A "
        "process whose removals fail as well cannot clear up: what it leaves must be gone after "
        "the next run."
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Inject, or report; returns the exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = measurement_options(__doc__, data=None, threads=1, out=Path("build/faults"))
    add = parser.add_argument
    add("--workflows", nargs="+", choices=[*NAMES], default=[*NAMES])
    add("--report", type=Path, metavar="FILE.md", help="write this from the records; inject none")
    asked = parser.parse_args(arguments)
    file = asked.out / _FILE

    def work() -> None:
        measure_or_report(
            asked,
            file,
            build=build_document,
            measure=lambda: measure(asked, Session.start(file, "faults.py", arguments)),
            is_wrong=lambda record: bool(record["problems"]),
            complaint="a fault did what it must not",
        )

    return run_command("faults", work)


if __name__ == "__main__":
    sys.exit(main())
