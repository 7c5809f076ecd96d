"""How long does a user wait for cnnlab to begin, and for an answer of a network?

``cnnlab --help``, ``import cnnlab``, opening a dataset that is cached, and predictions; beside
them ``python -c pass``, which is what the interpreter itself takes. Everything is done once a
round, each time in a fresh process, and is one line of OUT/startup.jsonl::

    python benchmarks/startup.py --data cifar10-jpeg --out OUT
    python benchmarks/startup.py --out OUT --report FILE.md

It wants a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.command import measurement_options
from harness.records import Record
from harness.sessions import Section, Session, Spread, document_of, run_session

import cnnlab
from cnnlab.errors import FailedError
from cnnlab.reports.document import Document, Paragraph, Table

__all__ = ["Probe", "build_document", "main", "probes"]

#: The process that all others are held against.
BARE = "python -c pass"
#: Whose predictions are timed, and for how many images at once.
MODELS, COUNTS = ("model-f", "fastnet"), (1, 250)
_FILE = "startup.jsonl"
_WORKER = Path(__file__).parent / "startup_worker.py"


@dataclass(frozen=True)
class Probe:
    """A process that tells times.

    Attributes
    ----------
    names: what each time is of.
    arguments: of the interpreter.
    whole: whether it is the time of the process from its start to its end; otherwise the process
        prints the seconds, a list as long as ``names``.
    goal: seconds that it should stay below, if there is such a goal.
    """

    names: tuple[str, ...]
    arguments: tuple[str, ...]
    whole: bool
    goal: float | None = None

    def seconds(self, threads: int) -> list[float]:
        """Run it once; :class:`FailedError` says where it failed."""
        begin = time.perf_counter()
        done = subprocess.run(
            [sys.executable, *self.arguments],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "OMP_NUM_THREADS": str(threads)},
        )
        wall = time.perf_counter() - begin
        if done.returncode:
            said = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
            raise FailedError(said[-1], where=self.names[0])
        return [wall] if self.whole else list(json.loads(done.stdout))


def probes(data: str) -> list[Probe]:
    """What is measured in a round, in this order."""
    worker, opening = str(_WORKER), f"import cnnlab; cnnlab.open_dataset({data!r})"
    return [
        Probe((BARE,), ("-c", "pass"), whole=True),
        Probe(('python -c "import cnnlab"',), ("-c", "import cnnlab"), whole=True),
        Probe(("import cnnlab, the statement",), (worker, "import"), whole=False, goal=0.1),
        Probe(("cnnlab --help",), ("-m", "cnnlab", "--help"), whole=True, goal=0.2),
        Probe((f"python that opens {Path(data).name}",), ("-c", opening), whole=True),
        Probe(("the opening alone",), (worker, "open", data), whole=False, goal=0.3),
        *(
            Probe(
                tuple(f"{model}, prediction of {count}" for count in COUNTS),
                (worker, "infer", model, *map(str, COUNTS)),
                whole=False,
            )
            for model in MODELS
        ),
    ]


def measure(asked: argparse.Namespace, session: Session) -> None:
    """Run every probe in every round."""
    cnnlab.open_dataset(asked.data)  # decoded, if it was not
    for number in range(1, asked.rounds + 1):
        for probe in probes(asked.data):
            for name, seconds in zip(probe.names, probe.seconds(asked.threads), strict=True):
                facts = {"kind": "startup", "round": number, "threads": asked.threads}
                judged = {"whole_process": probe.whole, "goal_seconds": probe.goal}
                session.add({**facts, "what": name, "seconds": seconds, **judged})
        print(f"round {number} of {asked.rounds}", flush=True)


def build_document(records: Sequence[Record]) -> Document:
    """The medians, with the goal and the ratio to the bare interpreter where there is one."""
    bare = {record["round"]: record["seconds"] for record in records if record["what"] == BARE}
    rows = [
        _row([record for record in records if record["what"] == what], bare)
        for what in dict.fromkeys(record["what"] for record in records)
    ]
    table = Table.of(
        (
            "what",
            "goal, ms",
            "median, ms",
            "least to most",
            f"times {BARE}, median",
            "least to most",
            "rounds",
        ),
        rows,
        "Waiting times. A ratio is of two whole processes of the same round.",
    )
    explained = Paragraph(
        "A command is timed from the start of its process to its end; cnnlab is started as "
        "python -m cnnlab. The statement is timed inside a fresh interpreter. The opening alone "
        "is the first one in its process, of images that were decoded before, after all that it "
        "imports was imported: it finds the source's files, checks that the cache belongs to "
        "them and maps the images, which are read when they are looked at. A prediction goes from "
        "pixels in memory to logits in memory, in a process in which torch and the network are "
        "loaded and warm; each is the median of nine."
    )
    section = Section("Start-up and predictions", records, [explained, table])
    return document_of("Start-up", "How long does a user wait?", "startup.py", [section])


def _row(records: Sequence[Record], bare: dict[int, float]) -> tuple[str, ...]:
    first = records[0]
    goal, compared = first["goal_seconds"], first["whole_process"] and first["what"] != BARE
    ratios = [record["seconds"] / bare[record["round"]] for record in records]
    return (
        first["what"],
        "-" if goal is None else f"{1e3 * goal:.0f}",
        *Spread.of([record["seconds"] for record in records]).cells(",.1f", 1e3),
        *(Spread.of(ratios).cells(".2f") if compared else ("-", "-")),
        str(len(records)),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, or report; returns the exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = measurement_options(
        __doc__, data="a dataset's name, or the path of images", threads=2, out=Path("build/speed")
    )
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument(
        "--report", type=Path, metavar="FILE.md", help="write this from the records; measure none"
    )
    asked = parser.parse_args(arguments)
    return run_session(
        "startup.py",
        asked,
        asked.out / _FILE,
        arguments,
        kinds=[["startup"]],
        build=build_document,
        measure=lambda session: measure(asked, session),
    )


if __name__ == "__main__":
    sys.exit(main())
