"""Does training in bf16 end where training in fp32 does?

Both precisions train the same model on the same images; initial weights, order and dropout of a
seed are the same too, and soon no two steps are, for rounding parts them. Every finished training
is one line of OUT/precision.jsonl and is not done again::

    python benchmarks/precision.py --models f --seeds 5 --train 10000 --epochs 6 --jobs 2 --out OUT
    python benchmarks/precision.py --out OUT --report docs/results/precision.md
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from harness.command import run_command
from harness.records import PRECISIONS_TRAINED, Record, read_records
from harness.workers import Work, run_together, start
from versus_keras.jobs import Setting
from versus_keras.options import models_options, settings_of
from versus_keras.statistics import MARGIN, Measure

from cnnlab.device import describe_machine
from cnnlab.errors import RunError
from cnnlab.files import append_line, exclusive_lock, write_text
from cnnlab.reports.document import Block, Code, Document, Heading, Paragraph, Table
from cnnlab.reports.markdown import render_markdown

__all__ = ["Trial", "build_document", "main"]

_SIDES = ("bf16", "fp32")


@dataclass(frozen=True)
class Trial:
    """One training."""

    setting: Setting
    precision: str
    seed: int

    @property
    def name(self) -> str:
        """What its run and its record are called."""
        return f"{self.setting.label}-{self.precision}-seed{self.seed}"

    def begin(self, folder: Path, threads: int) -> Work:
        """Start a process that trains it, or goes on where one was cut off."""
        settings = self.setting.settings(seed=self.seed, threads=threads)
        job = {
            "settings": {**settings, "precision": self.precision},
            "run": str(folder / "runs" / self.name),
        }
        environment = {"OMP_NUM_THREADS": str(threads)}
        return start("fidelity_own.py", job, folder / "work", self.name, environment=environment)

    def record(self, answer: Record, command: str) -> Record:
        """The line that is kept of it."""
        return {
            "name": self.name,
            "precision": self.precision,
            "seed": self.seed,
            "model": self.setting.name,
            "data": Path(self.setting.data).name,
            "train": self.setting.train,
            "epochs": self.setting.epochs,
            "command": command,
            "machine": describe_machine("cpu"),
            **answer,
        }


def train(asked: argparse.Namespace, command: str) -> None:
    """Train what is not recorded yet, both precisions of a seed before the next seed."""
    folder = asked.out.absolute()
    file = folder / PRECISIONS_TRAINED
    done = {record["name"] for record in read_records(file)}
    trials = [
        trial
        for seed in range(asked.seeds)
        for setting in settings_of(asked)
        for precision in _SIDES
        if (trial := Trial(setting, precision, seed)).name not in done
    ]
    print(f"{len(trials)} trainings to do, {len(done)} recorded in {folder.name}", flush=True)

    def keep(index: int, answer: Record) -> None:
        record = trials[index].record(answer, command)
        append_line(file, json.dumps(record))
        accuracy = record["validation"]["accuracy"]
        print(f"{record['name']}: validation {accuracy:.4f}", flush=True)

    starts = [lambda trial=trial: trial.begin(folder, asked.threads) for trial in trials]
    run_together(starts, asked.jobs, keep)


def build_document(records: Sequence[Record]) -> Document:
    """Both precisions of every setting, and whether they end apart."""
    groups: dict[tuple[str, str, int, int, str], dict[str, list[float]]] = {}
    for record in sorted(records, key=lambda record: int(record["seed"])):
        key = (record["model"], record["data"], record["train"], record["epochs"])
        for name, accuracy in _accuracies(record).items():
            accuracies = groups.setdefault((*key, name), {side: [] for side in _SIDES})
            accuracies[record["precision"]].append(accuracy)
    whole = {key: sides for key, sides in groups.items() if all(map(len, sides.values()))}
    if not whole:
        raise RunError("no model was trained in both precisions", todo="run precision.py first")
    measures = [
        (*key[:-1], Measure(key[-1], sides["bf16"], sides["fp32"]))
        for key, sides in sorted(whole.items())
    ]
    return Document(
        title="bf16 and fp32",
        subtitle="Does training in bf16 end where training in fp32 does?",
        blocks=(*_results(measures), *_conditions(records)),
        footer="Written by benchmarks/precision.py --report from its records.",
    )


def _accuracies(record: Record) -> dict[str, float]:
    """By what they are of: one epoch's validation moves a lot, training's accuracy little."""
    return {
        "final validation": float(record["validation"]["accuracy"]),
        "training, last epoch": float(record["curves"][-1]["train_accuracy"]),
    }


def _results(measures: Sequence[tuple[str, str, int, int, Measure]]) -> list[Block]:
    return [
        Heading("Accuracy"),
        Table.of(
            (
                "model",
                "images",
                "trained on x epochs",
                "accuracy",
                "n",
                "bf16 (%)",
                "fp32 (%)",
                "difference (points)",
                "95% interval",
                "0 inside",
                "within ±1 point",
            ),
            [
                (model, data, f"{train:,} x {epochs}", measure.name, *_cells(measure))
                for model, data, train, epochs, measure in measures
            ],
            "Top-1, mean ± standard deviation over n seeds a precision; Welch's interval of the "
            "difference. Of training it is the running mean over the last epoch. Within ±1 point: "
            "yes where two one-sided tests give p < 0.05, no where the interval lies outside "
            "whole.",
            text_columns=(0, 1, 3),
        ),
        Table.of(
            ("model", "accuracy", "precision", "by seed (%)"),
            [
                (model, measure.name, side, ", ".join(f"{100 * value:.2f}" for value in values))
                for model, _, _, _, measure in measures
                for side, values in zip(_SIDES, (measure.ours, measure.theirs), strict=True)
            ],
            "Every training.",
            text_columns=(0, 1, 2, 3),
        ),
    ]


def _cells(measure: Measure) -> tuple[str, ...]:
    means = [
        f"{100 * np.mean(side):.2f} ± {100 * np.std(side, ddof=1):.2f}"
        if len(side) > 1
        else f"{100 * side[0]:.2f}"
        for side in (measure.ours, measure.theirs)
    ]
    shown = (f"{len(measure.ours)}, {len(measure.theirs)}", *means, f"{100 * measure.apart:+.2f}")
    if measure.difference is None:
        return (*shown, "-", "-", "-")
    low, high = measure.difference.interval()
    within = {True: "yes", False: "no", None: "not decidable at this n"}
    return (
        *shown,
        f"{100 * low:+.2f} to {100 * high:+.2f}",
        "yes" if low <= 0 <= high else "no",
        within[measure.difference.within(MARGIN)],
    )


def _conditions(records: Sequence[Record]) -> list[Block]:
    machines = sorted(
        {f"{r['machine']['processor']}, {r['machine']['vector_instructions']}" for r in records}
    )
    commands = sorted({record["command"] for record in records})
    return [
        Heading("How it was done"),
        Paragraph(
            f"{'; '.join(machines)}. Model, loss, optimizer, batch size and early stopping are "
            "those of the report; evaluation of the final weights is in fp32 on both sides."
        ),
        Code("\n".join(commands)),
    ]


def _command(asked: argparse.Namespace) -> str:
    models = ",".join(Path(name).name for name in asked.models.split(","))
    return (
        f"python benchmarks/precision.py --models {models} --seeds {asked.seeds} "
        f"--train {asked.train} --epochs {asked.epochs} --threads {asked.threads} --out OUT"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, or report; returns the exit code."""
    parser = models_options(__doc__, models="f", train=10_000, epochs=6)
    parser.add_argument("--seeds", type=int, default=5, help="trainings of each precision")
    parser.add_argument("--jobs", type=int, default=1, help="processes at a time")
    parser.add_argument(
        "--report", type=Path, metavar="FILE.md", help="write this from the records; train nothing"
    )
    asked = parser.parse_args(arguments)

    def work() -> None:
        if asked.report:
            document = build_document(read_records(asked.out / PRECISIONS_TRAINED))
            write_text(asked.report, render_markdown(document))
            return
        with exclusive_lock(asked.out / ".lock", holder="comparison"):
            train(asked, _command(asked))

    return run_command("precision", work)


if __name__ == "__main__":
    sys.exit(main())
