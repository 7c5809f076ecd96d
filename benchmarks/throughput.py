"""How many images a second does training take, beside Keras and a plain torch loop?

Model F with Adamax on the same images. The sides take turns, every measurement is a process of
its own and one line of OUT/throughput.jsonl; what a session measured is printed as Markdown::

    python benchmarks/throughput.py --keras-python KERAS_ENVIRONMENT/bin/python \\
        --backend tensorflow --workers 0 2 --out OUT
    python benchmarks/throughput.py --peak --out OUT
    python benchmarks/throughput.py --out OUT --report FILE.md

``--peak`` measures which share of the peak of a matrix product whole training steps reach.
``--report`` writes the newest session of either kind. Both want a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from harness.command import measurement_options
from harness.records import Record
from harness.sessions import Measurement, Session, document_of, run_session
from rates.jobs import OURS, Bench, Case
from rates.report import peak_section, speed_section
from versus_keras.peer import add_peer

from cnnlab.device import PRECISIONS
from cnnlab.errors import CheckFailed
from cnnlab.reports.document import Document

__all__ = ["main"]

SIDES = (OURS, "keras", "torch")
#: What ``--peak`` measures, and the sides of the square matrices.
CASES = (
    Case("fastnet", 500, {"widths": [64, 256, 256]}),
    Case("fastnet", 500, {"widths": [32, 64, 128]}),
    Case("model-f", 128),
)
PRODUCTS = (1024, 2048, 4096)
_FILE = "throughput.jsonl"


def judge(record: Record) -> str:
    """What to say of a record; :class:`CheckFailed` where a side trained another network."""
    if record["kind"] == "peak":
        return f"{record['precision']} product: {record['flops_per_second'] / 1e9:,.1f} GFLOP/s"
    of, expected = record.get("side") or record["case"], record["expected_parameters"]
    if record["parameters"] != expected:
        raise CheckFailed(
            f"{record['parameters']:,} parameters", where=of, expected=f"{expected:,}"
        )
    return f"{of}, batches of {record['batch_size']}: {record['images_per_second']:,.0f} images/s"


def measure(asked: argparse.Namespace, session: Session) -> None:
    """Make all measurements of all rounds."""
    bench = Bench(asked)
    steps = [bench.step(case) for case in CASES] if asked.peak else bench.speeds()
    for number in range(1, asked.rounds + 1):
        print(f"round {number} of {asked.rounds}", flush=True)
        made = session.measure(_of_round(number, steps), judge)
        if asked.peak:  # in the precisions that training chose, and in the same minute
            used = sorted({record["precision"] for record in made})
            peaks = [bench.peak(precision, PRODUCTS) for precision in used]
            session.measure(_of_round(number, peaks), judge)


def _of_round(number: int, measurements: Iterable[Measurement]) -> list[Measurement]:
    return [Measurement({**one.facts, "round": number}, one.begin) for one in measurements]


def build_document(records: Sequence[Record]) -> Document:
    """The tables of these records, which may be of two sessions: speeds, and shares of the peak."""
    return document_of(
        "Throughput",
        "How many images a second does training take?",
        "throughput.py",
        [
            speed_section([record for record in records if record["kind"] == "speed"]),
            peak_section([record for record in records if record["kind"] != "speed"]),
        ],
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, or report; returns the exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = measurement_options(
        __doc__, data="a dataset's name, or the path of images", threads=2, out=Path("build/speed")
    )
    add_peer(parser)
    add = parser.add_argument
    add("--batches", type=int, nargs="+", default=[16, 32, 128], help="images a step")
    add("--sides", nargs="+", choices=SIDES, default=SIDES, help="only some of them")
    add("--workers", type=int, nargs="+", default=[0], help="processes of the plain loop's loader")
    add("--precision", choices=PRECISIONS, default="auto", help="cnnlab's")
    add("--images", type=int, default=20_000, help="at most so many to train on")
    add("--rounds", type=int, default=5)
    add("--seconds", type=float, default=5.0, help="of the steps that count")
    add("--warm-up", type=float, default=2.0, help="seconds after the first step")
    add("--peak", action="store_true", help="measure shares of the peak, of cnnlab alone")
    add("--report", type=Path, metavar="FILE.md", help="write this from the records; measure none")
    asked = parser.parse_args(arguments)
    return run_session(
        "throughput.py",
        asked,
        asked.out / _FILE,
        arguments,
        kinds=[["speed"], ["share", "peak"]],
        build=build_document,
        measure=lambda session: measure(asked, session),
    )


if __name__ == "__main__":
    sys.exit(main())
