"""Measurements that are made in one go: their records, their medians, what they were made on."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from cnnlab.device import describe_machine
from cnnlab.errors import CheckFailed
from cnnlab.files import append_line, exclusive_lock, write_text
from cnnlab.reports.document import Block, Code, Document, Heading, Paragraph
from cnnlab.reports.markdown import render_markdown
from cnnlab.reports.wording import bytes_text, enumeration
from harness.command import run_command
from harness.records import Record, read_records
from harness.workers import Work, run_together

__all__ = [
    "Measurement",
    "Section",
    "Session",
    "Spread",
    "document_of",
    "last_session",
    "measure_or_report",
    "run_session",
    "shown_command",
]


@dataclass(frozen=True)
class Spread:
    """The median of some values, and the least and the largest of them."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Of one value or more."""
        return cls(statistics.median(values), min(values), max(values))

    def cells(self, form: str, factor: float = 1.0) -> tuple[str, str]:
        """The median, and "low to high", each times ``factor`` and in the format ``form``."""
        median, low, high = (
            format(factor * value, form) for value in (self.median, self.low, self.high)
        )
        return median, f"{low} to {high}"


@dataclass(frozen=True)
class Measurement:
    """What is measured in a process of its own: ``facts`` say what, ``begin`` starts it."""

    facts: Record
    begin: Callable[[], Work]


@dataclass
class Session:
    """Makes measurements and keeps each as a line of ``file``, with ``facts`` that all share."""

    file: Path
    facts: Record
    records: list[Record] = field(default_factory=list)

    @classmethod
    def start(
        cls, file: Path, program: str, arguments: Sequence[str], *, device: str = "cpu"
    ) -> Session:
        """Write down when it begins, what was typed, and what this machine is and does."""
        return cls(
            file,
            {
                "session": datetime.now(UTC).isoformat(timespec="seconds"),
                "command": shown_command(program, arguments),
                "load_before": round(os.getloadavg()[0], 2),
                "machine": describe_machine(device),
            },
        )

    def add(self, record: Record) -> None:
        """Keep a record."""
        self.records.append({**self.facts, **record})
        append_line(self.file, json.dumps(self.records[-1]))

    def measure(
        self, measurements: Sequence[Measurement], judge: Callable[[Record], str]
    ) -> list[Record]:
        """Make them one after the other; ``judge`` checks a record and puts it in a few words."""
        first = len(self.records)

        def done(index: int, answer: Record) -> None:
            record = {**measurements[index].facts, **answer}
            said = judge(record)
            self.add(record)
            print(f"{index + 1} of {len(measurements)}: {said}", flush=True)

        run_together([one.begin for one in measurements], 1, done)
        return self.records[first:]


def shown_command(program: str, arguments: Sequence[str]) -> str:
    """The command without the folders of the machine that it was typed on."""

    def shown(word: str) -> str:
        option, equals, value = word.rpartition("=")
        return f"{option}{equals}.../{Path(value).name}" if Path(value).is_absolute() else word

    return shlex.join(["python", f"benchmarks/{program}", *map(shown, arguments)])


def last_session(file: Path, kinds: Sequence[str]) -> list[Record]:
    """The records of the newest session that has one of these kinds."""
    records = [record for record in read_records(file) if record["kind"] in kinds]
    return [record for record in records if record["session"] == records[-1]["session"]]


@dataclass(frozen=True)
class Section:
    """Records of one session and what they show."""

    heading: str
    records: Sequence[Record]
    blocks: Sequence[Block]


def document_of(title: str, subtitle: str, program: str, sections: Sequence[Section]) -> Document:
    """The sections that have records, each with what it was measured on and how to do it again."""
    blocks: list[Block] = []
    for section in sections:
        if section.records:
            blocks += [Heading(section.heading), *section.blocks, *_conditions(section.records)]
    footer = f"Written by benchmarks/{program} from its records."
    return Document(title=title, subtitle=subtitle, blocks=tuple(blocks), footer=footer)


def _conditions(records: Sequence[Record]) -> list[Block]:
    machine = records[0]["machine"]
    versions = {**machine["versions"]}
    for record in records:
        versions |= record.get("versions", {})
    threads = sorted({record["threads"] for record in records if "threads" in record})
    accelerator = f"{machine['accelerator']}; " if "accelerator" in machine else ""
    told = (
        f"{accelerator}{machine['processor']}, {machine['cores']} cores, "
        f"{bytes_text(machine['memory_bytes'])}, "
        f"{machine['vector_instructions']}; Python {machine['python']}; "
        f"{enumeration([f'{name} {number}' for name, number in sorted(versions.items())])}; "
        f"revision {machine['source_revision']}; threads: {enumeration([*map(str, threads)])}; "
        f"a load of {records[0]['load_before']} before it began, {records[0]['session']}."
    )
    return [Paragraph(told), Code(records[0]["command"])]


def run_session(
    program: str,
    asked: argparse.Namespace,
    file: Path,
    arguments: Sequence[str],
    *,
    kinds: Sequence[Sequence[str]],
    build: Callable[[Sequence[Record]], Document],
    measure: Callable[[Session], None],
) -> int:
    """Measure in a session of its own and print it; returns the exit code.

    With ``asked.report`` nothing is measured: that file is written from the newest sessions that
    have records of each of ``kinds``.
    """

    def work() -> None:
        if asked.report:
            records = [record for kind in kinds for record in last_session(file, kind)]
            write_text(asked.report, render_markdown(build(records)))
            return
        with exclusive_lock(asked.out / ".lock", holder="measurement"):
            session = Session.start(file, program, arguments)
            measure(session)
        print(render_markdown(build(session.records)))

    return run_command(program.removesuffix(".py"), work)


def measure_or_report(
    asked: argparse.Namespace,
    file: Path,
    *,
    build: Callable[[Sequence[Record]], Document],
    measure: Callable[[], None],
    is_wrong: Callable[[Record], bool],
    complaint: str,
) -> None:
    """Write ``asked.report`` from all records; or measure more, print them, and judge them.

    Raises ``CheckFailed`` with the complaint where a record is wrong.
    """
    if asked.report:
        write_text(asked.report, render_markdown(build(read_records(file))))
        return
    with exclusive_lock(asked.out / ".lock", holder="measurement"):
        measure()
    records = read_records(file)
    print(render_markdown(build(records)))
    if any(map(is_wrong, records)):
        raise CheckFailed(complaint, where=file)
