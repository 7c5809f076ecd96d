"""Does an image of a large dataset cost more time or memory than one of a small one?

Images of ``shapes`` are drawn once and cached, then fastnet trains on them for a while, each
measurement in a process of its own and one line of OUT/scale.jsonl. The sizes take turns, and what
a session measured is printed as Markdown::

    python benchmarks/scale.py --sizes 10000 100000 1000000 --out OUT
    python benchmarks/scale.py --out OUT --report FILE.md

A million images take 3 GB of disk and some minutes to draw. It wants a machine that does nothing
else.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.command import measurement_options
from harness.records import Record
from harness.sessions import Measurement, Section, Session, Spread, document_of, run_session
from harness.workers import Work, start

import cnnlab
from cnnlab.reports.document import Block, Document, Paragraph, Table
from cnnlab.reports.wording import bytes_text

__all__ = ["main"]

_FILE = "scale.jsonl"
_WIDTHS = [16, 32, 64]
#: The goals: time an image, and what an image more takes of memory that the kernel cannot drop.
_TIME_WITHIN, _BYTES_AN_IMAGE = 0.10, 100.0


def settings_of(asked: argparse.Namespace, size: int) -> Record:
    """Settings for :func:`cnnlab.configure`: a training that the clock leaves."""
    return {
        "device": "cpu",
        "threads": asked.threads,
        "model": {"name": "fastnet", "params": {"widths": _WIDTHS}},
        "data": {"source": "shapes", "size": size, "validation": 0, "stratify": False},
        "training": {
            "epochs": 100_000,
            "batch_size": asked.batch_size,
            "augment": {"flip": "alternating", "translate": 2},
        },
    }


def measure(asked: argparse.Namespace, session: Session) -> None:
    """Draw what is not drawn yet, then measure every size once a round."""
    for size in asked.sizes:
        settings = settings_of(asked, size)
        config = cnnlab.configure(settings=settings)
        cnnlab.open_dataset("shapes", options=config.data.read_options(), say=print)
    for number in range(1, asked.rounds + 1):
        session.measure([_of_size(asked, size, number) for size in asked.sizes], _judge)


def _of_size(asked: argparse.Namespace, size: int, number: int) -> Measurement:
    job = {
        "kind": "engine",
        "settings": settings_of(asked, size),
        "clock": {"warm_up_seconds": asked.warm_up, "seconds": asked.seconds},
    }
    environment = {"OMP_NUM_THREADS": str(asked.threads)}

    def begin() -> Work:
        folder = asked.out.absolute() / "work"
        name = f"shapes-{size}-round{number}"
        return start("throughput_worker.py", job, folder, name, environment=environment)

    return Measurement({"kind": "scale", "size": size, "round": number}, begin)


def _judge(record: Record) -> str:
    return (
        f"{record['size']:,} images: {record['images_per_second']:,.0f} images/s, "
        f"{bytes_text(record['anonymous_bytes'])}"
    )


def build_document(records: Sequence[Record]) -> Document:
    """Time and memory by the number of images, held against the smallest."""
    first, *larger = [_Size.of(records, size) for size in sorted({r["size"] for r in records})]
    header = ("images", "images/s", "spread", f"time, of {first.size:,}", "spread", "memory")
    caption = (
        "Medians over the rounds and their spread; time an image as a multiple of that of the "
        "smallest in the same round. Memory is the most anonymous memory of the process: what is "
        "mapped from the cache's file is the kernel's to drop."
    )
    rows = [one.row(first) for one in (first, *larger)]
    blocks: list[Block] = [Table.of(header, rows, caption)]
    blocks += [Paragraph(one.verdict(first)) for one in larger]
    return document_of(
        "Scale",
        "Does an image of a large dataset cost more than one of a small one?",
        "scale.py",
        [Section("From small to large", records, blocks)],
    )


@dataclass(frozen=True)
class _Size:
    """What was measured of one size, a value a round."""

    size: int
    speeds: list[float]
    memory: list[float]

    @classmethod
    def of(cls, records: Sequence[Record], size: int) -> _Size:
        own = sorted((r for r in records if r["size"] == size), key=lambda r: int(r["round"]))
        speeds = [float(record["images_per_second"]) for record in own]
        return cls(size, speeds, [float(record["anonymous_bytes"]) for record in own])

    def times(self, first: _Size) -> Spread:
        """Time an image, as a multiple of the smallest's in the same round."""
        return Spread.of([b / a for a, b in zip(self.speeds, first.speeds, strict=True)])

    def row(self, first: _Size) -> tuple[str, ...]:
        speed, times = Spread.of(self.speeds).cells(",.0f"), self.times(first).cells(".3f")
        return f"{self.size:,}", *speed, *times, bytes_text(Spread.of(self.memory).median)

    def verdict(self, first: _Size) -> str:
        more = Spread.of(self.memory).median - Spread.of(first.memory).median
        each = more / (self.size - first.size)
        kept = abs(self.times(first).median - 1) <= _TIME_WITHIN
        return (
            f"{self.size:,} images: time an image {'within' if kept else 'not within'} "
            f"{_TIME_WITHIN:.0%} of that at {first.size:,}; {each:,.0f} bytes of memory an image "
            f"more ({'at most' if each <= _BYTES_AN_IMAGE else 'above'} {_BYTES_AN_IMAGE:.0f}; "
            "its pixels are 3,072)."
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, or report; returns the exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = measurement_options(__doc__, data=None, threads=2, out=Path("build/scale"))
    add = parser.add_argument
    add("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000], help="images")
    add("--batch-size", type=int, default=500)
    add("--rounds", type=int, default=5)
    add("--seconds", type=float, default=5.0, help="of the steps that count")
    add("--warm-up", type=float, default=2.0, help="seconds after the first step")
    add("--report", type=Path, metavar="FILE.md", help="write this from the records; measure none")
    asked = parser.parse_args(arguments)
    return run_session(
        "scale.py",
        asked,
        asked.out / _FILE,
        arguments,
        kinds=[["scale"]],
        build=build_document,
        measure=lambda session: measure(asked, session),
    )


if __name__ == "__main__":
    sys.exit(main())
