"""What does it cost a training to write checkpoints?

Each model trains for some steps and writes a checkpoint after nearly every one; the clock takes
the writing alone: serializing, hashing, flushing to the disk, renaming. Beside it stands its share
of the time between checkpoints that is the default. Every checkpoint is one line of
OUT/checkpoints.jsonl::

    python benchmarks/checkpoint_cost.py --data cifar10-jpeg --out OUT
    python benchmarks/checkpoint_cost.py --out OUT --report FILE.md

It wants a machine that does nothing else.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from unittest.mock import patch

from harness.command import measurement_options
from harness.records import Record
from harness.sessions import Section, Session, Spread, document_of, run_session

import cnnlab
from cnnlab.config import RunConfig
from cnnlab.reports.document import Document, Paragraph, Table
from cnnlab.reports.wording import bytes_text
from cnnlab.training.journal import Journal
from cnnlab.training.loop import train
from cnnlab.training.state import Clock

__all__ = ["build_document", "main", "saves"]

_FILE = "checkpoints.jsonl"
#: Seconds between checkpoints while this measures: after nearly every step.
_AT_ONCE = 0.01


def saves(config: RunConfig, runs: Path) -> list[Record]:
    """Train; the seconds and the bytes of every checkpoint that was written."""
    records: list[Record] = []
    save = Journal.save

    def timed(journal: Journal, clock: Clock) -> None:
        began = time.perf_counter()
        save(journal, clock)
        seconds = time.perf_counter() - began
        checkpoints = runs.glob("*/checkpoints/*")
        records.append({"seconds": seconds, "bytes": max(f.stat().st_size for f in checkpoints)})

    with patch.object(Journal, "save", timed):
        train(config, runs)
    return records


def measure(models: Sequence[str], data: str, threads: int, steps: int, session: Session) -> None:
    """Train each model in a folder that is removed afterwards."""
    training = {"steps": steps, "batch_size": 16, "checkpoint_every_seconds": _AT_ONCE}
    for model in models:
        config = cnnlab.configure(
            settings={
                "data": {"source": data, "train": 16 * steps},
                "model": {"name": model},
                "threads": threads,
                "training": training,
            }
        )
        with tempfile.TemporaryDirectory() as folder:
            written = saves(config, Path(folder))
        for record in written:
            session.add({"kind": "checkpoint", "model": model, "threads": threads, **record})
        print(f"{model}: {len(written)} checkpoints", flush=True)


def build_document(records: Sequence[Record]) -> Document:
    """The medians, and the share of the default time between checkpoints that they take."""
    every = RunConfig().training.checkpoint_every_seconds
    rows = [
        _row([record for record in records if record["model"] == model], every)
        for model in dict.fromkeys(record["model"] for record in records)
    ]
    table = Table.of(
        ("model", "checkpoint", "ms, median", "least to most", f"share of {every:.0f} s", "n"),
        rows,
        "What writing a checkpoint takes, from the weights in memory to files on the disk. The "
        "share is of the median.",
    )
    explained = Paragraph(
        f"A training writes a checkpoint every {every:.0f} s, where no other time is asked for, "
        "and stands still meanwhile. Here one was written after nearly every step."
    )
    section = Section("Writing checkpoints", records, [explained, table])
    return document_of(
        "Checkpoints",
        "What does it cost a training to write checkpoints?",
        "checkpoint_cost.py",
        [section],
    )


def _row(records: Sequence[Record], every: float) -> tuple[str, ...]:
    spread = Spread.of([record["seconds"] for record in records])
    size = bytes_text(max(record["bytes"] for record in records))
    share = f"{spread.median / every:.2%}"
    return records[0]["model"], size, *spread.cells(".0f", 1e3), share, str(len(records))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, or report; returns the exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = measurement_options(
        __doc__,
        data="a dataset's name, or the path of images",
        threads=2,
        out=Path("build/checkpoints"),
    )
    add = parser.add_argument
    add("--models", default="model-f,fastnet,resnet18", help="names, with commas between them")
    add("--steps", type=int, default=24, help="of 16 images each")
    add("--report", type=Path, metavar="FILE.md", help="write this from the records; measure none")
    asked = parser.parse_args(arguments)
    models = asked.models.split(",")
    return run_session(
        "checkpoint_cost.py",
        asked,
        asked.out / _FILE,
        arguments,
        kinds=[["checkpoint"]],
        build=build_document,
        measure=lambda session: measure(models, asked.data, asked.threads, asked.steps, session),
    )


if __name__ == "__main__":
    sys.exit(main())
