"""What does a network gain or lose as an ONNX file, in fp32 and in int8?

Runs are exported both ways, then torch, onnxruntime with fp32 and onnxruntime with int8 take turns
on validation images; every measurement is a process of its own and one line of OUT/export.jsonl.
What a session measured is printed as Markdown::

    python benchmarks/export.py --runs RUN RUN --out OUT
    python benchmarks/export.py --parity --models model-a resnet18 --out OUT
    python benchmarks/export.py --out OUT --report FILE.md

``--parity`` trains every registered model for a moment on three datasets and holds its file
against it. Both may be run in pieces: the newest records of each run and model count, and runs
that were exported into OUT/work are not exported again. Speeds want a machine that does nothing
else.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from export_parity import KIND, measure_parity, parity_section
from export_worker import BATCH
from harness.command import measurement_options, run_command
from harness.records import Record, read_records
from harness.sessions import Measurement, Section, Session, Spread, document_of
from harness.workers import start

import cnnlab
from cnnlab.exporting import certificate_path
from cnnlab.files import exclusive_lock, write_text
from cnnlab.models import MODELS
from cnnlab.reports.document import Document, Paragraph, Table
from cnnlab.reports.markdown import render_markdown
from cnnlab.tables import bytes_text

__all__ = ["build_document", "main"]

_FILE = "export.jsonl"
#: The sides, and what each is called.
SIDES = {"torch": "torch fp32", "fp32": "ONNX Runtime fp32", "int8": "ONNX Runtime int8"}
DATASETS = ("digits", "fashion-mnist", "cifar10-jpeg")


def measure(asked: argparse.Namespace, session: Session) -> None:
    """Export every run, then time all sides of all runs once a round."""
    work = Path(asked.out).absolute() / "work"
    work.mkdir(parents=True, exist_ok=True)
    steps = [step for run in asked.runs for step in _sides(run, work, asked)]
    for number in range(1, asked.rounds + 1):
        print(f"round {number} of {asked.rounds}", flush=True)
        again = [Measurement({**one.facts, "round": number}, one.begin) for one in steps]
        session.measure(again, _judge)


def _sides(path: Path, work: Path, asked: argparse.Namespace) -> list[Measurement]:
    """A run's network as torch has it and as two files, with the accuracy of each."""
    run = cnnlab.open_run(path)
    files = {side: work / f"{run.name}-{side}.onnx" for side in ("fp32", "int8")}
    plain, small = (
        _certificate(run.path, file, int8=side == "int8") for side, file in files.items()
    )
    rows, images = np.array(run.split["validation"]), work / f"{run.name}.npy"
    np.save(images, run.open_dataset().images[rows[:BATCH]])
    # The fp32 file gives the classes that torch gives, or it would not be there.
    accuracy = {
        "torch": plain["validation_top1"],
        "fp32": small["int8"]["fp32_top1"],
        "int8": small["int8"]["top1"],
    }
    weights = {"torch": run.best_weights.stat().st_size}
    measurements = []
    for side, title in SIDES.items():
        model = run.path if side == "torch" else files[side]
        facts = {
            "kind": "speed",
            "run": run.name,
            "side": title,
            "images": len(rows),
            "threads": asked.threads,
            "top1": accuracy[side],
            "bytes": weights.get(side) or model.stat().st_size,
        }
        job = {
            "side": side,
            "model": str(model.absolute()),
            "images": str(images),
            "input_shape": plain["model"]["input_shape"],
            "threads": asked.threads,
            "seconds": asked.seconds,
        }
        environment = {"OMP_NUM_THREADS": str(asked.threads)}
        name = f"{run.name}-{side}"
        begin = partial(start, "export_worker.py", job, work, name, environment=environment)
        measurements.append(Measurement(facts, begin))
    return measurements


def _certificate(run: Path, file: Path, *, int8: bool) -> Record:
    """Export a run, unless that was done before, and read the certificate beside the file."""
    beside = certificate_path(file)
    if not beside.exists():
        cnnlab.export(run, file, int8=int8, say=print)
    return dict(json.loads(beside.read_text(encoding="utf-8")))


def _judge(record: Record) -> str:
    return (
        f"{record['run']}, {record['side']}: {record['latency_milliseconds']:.2f} ms an image, "
        f"{record['images_per_second']:,.0f} images/s"
    )


def speed_section(records: Sequence[Record]) -> Section:
    """Latency, throughput and accuracy of each side, and how many times as fast as torch it is."""
    cases = dict.fromkeys((record["run"], record["side"]) for record in records)
    rows = [_speed_row(records, run, side) for run, side in cases]
    table = Table.of(
        (
            "run",
            "side",
            "accuracy",
            "size",
            "one image, ms",
            "times as fast as torch, median",
            "least to most",
            f"images/s in batches of {BATCH}",
            "times as fast as torch, median",
            "least to most",
        ),
        rows,
        "Medians over the rounds. A ratio is of two measurements of the same round. The size of "
        "torch's is that of the run's weights.",
        text_columns=(0, 1),
    )
    counts = sorted({f"{record['images']:,}" for record in records})
    rounds = len({record["round"] for record in records})
    explained = Paragraph(
        f"{rounds} rounds; the sides take turns, each measurement in a process of its own with "
        "the same images and number of threads, from uint8 pixels in memory to logits in memory "
        "(and probabilities, in ONNX Runtime). Accuracy is top-1 on the run's "
        f"{' and '.join(counts)} validation images; int8's ranges come from 512 training images."
    )
    return Section("Speed and accuracy", records, [explained, table] if rows else [])


def _speed_row(records: Sequence[Record], run: str, side: str) -> tuple[str, ...]:
    def of(title: str, key: str) -> dict[int, float]:
        return {
            record["round"]: float(record[key])
            for record in records
            if (record["run"], record["side"]) == (run, title)
        }

    first = next(one for one in records if (one["run"], one["side"]) == (run, side))
    cells = [run, side, f"{first['top1']:.2%}", bytes_text(first["bytes"])]
    for key, form, inverse in (
        ("latency_milliseconds", ".2f", False),
        ("images_per_second", ",.0f", True),
    ):
        own, torch = of(side, key), of(SIDES["torch"], key)
        cells.append(Spread.of(list(own.values())).cells(form)[0])
        ratios = [torch[number] / own[number] for number in own]
        faster = [1 / ratio for ratio in ratios] if inverse else ratios
        cells += ("-", "-") if side == SIDES["torch"] else Spread.of(faster).cells(".2f")
    return tuple(cells)


def _newest_speeds(records: Sequence[Record]) -> list[Record]:
    """The speeds of the newest session of each run."""
    speeds = [one for one in records if one["kind"] == "speed"]
    newest = {one["run"]: one["session"] for one in speeds}
    return [one for one in speeds if one["session"] == newest[one["run"]]]


def build_document(speeds: Sequence[Record], parity: Sequence[Record]) -> Document:
    """The tables of these records."""
    return document_of(
        "Exported networks",
        "What does a network gain or lose as an ONNX file?",
        "export.py",
        [speed_section(speeds), parity_section(parity)],
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, or report; returns the exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = measurement_options(__doc__, data=None, threads=2, out=Path("build/export"))
    add = parser.add_argument
    add("--runs", type=Path, nargs="+", default=[], metavar="RUN", help="finished runs to export")
    add("--rounds", type=int, default=5)
    add("--seconds", type=float, default=6.0, help="of each measurement, half for each batch size")
    add("--parity", action="store_true", help="hold files of all models against their networks")
    add("--models", nargs="+", choices=MODELS.names(), default=MODELS.names(), help="of --parity")
    add("--datasets", nargs="+", default=DATASETS, help="of --parity")
    add("--report", type=Path, metavar="FILE.md", help="write this from the records; measure none")
    asked = parser.parse_args(arguments)
    file = asked.out / _FILE

    def work() -> None:
        if asked.report:
            records = read_records(file)
            parity = [one for one in records if one["kind"] == KIND]
            document = build_document(_newest_speeds(records), parity)
            write_text(asked.report, render_markdown(document))
            return
        with exclusive_lock(asked.out / ".lock", holder="measurement"):
            session = Session.start(file, "export.py", arguments)
            if asked.parity:
                for model in asked.models:
                    for data in asked.datasets:
                        session.add(measure_parity(model, data))
                        said = session.records[-1]["largest_difference"]
                        print(f"{model} on {data}: {said:.1e}", flush=True)
            else:
                measure(asked, session)
        ended = {
            kind: [one for one in session.records if one["kind"] == kind]
            for kind in ("speed", KIND)
        }
        print(render_markdown(build_document(*ended.values())))

    return run_command("export", work)


if __name__ == "__main__":
    sys.exit(main())
