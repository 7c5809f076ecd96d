"""A run as trackers see it: everything is read from the run directory, and from there alone.

One code path for a run that is being trained and for one that ended last year: both are read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from cnnlab.evaluation.evaluate import SPLITS, Evaluation, evaluation_of
from cnnlab.runs import Run
from cnnlab.settings import flattened
from cnnlab.tracking.identity import run_id

__all__ = ["Outcome", "Point", "Subject", "read_outcome"]

#: Files of a run that a store of files takes, where they are there; never its images.
_FILES = ("config.yaml", "summary.txt", "report.html", "report.pdf", "README.md")

#: What says where a line of ``metrics.jsonl`` belongs, and is no curve.
_PLACE = ("stage", "epoch", "step")


@dataclass(frozen=True)
class Point:
    """Values of curves at one step.

    Attributes
    ----------
    step: the epoch, from 1.
    time_seconds: since 1970; told by the records, so the same whenever they are read.
    values: by the curve's name, e.g. ``validation/loss``.
    """

    step: int
    time_seconds: float
    values: dict[str, float]


@dataclass(frozen=True)
class Outcome:
    """What a run came to, as far as it has.

    Attributes
    ----------
    status: finished, failed, running or unfinished, as the run says.
    final: scores with the ends of their 95% intervals, seconds, images/s; at the last epoch.
    pictures: PNG files by their name.
    files: the run's own files that are worth keeping beside it.
    """

    status: str
    final: Point
    pictures: dict[str, bytes] = field(default_factory=dict)
    files: list[Path] = field(default_factory=list)


class Subject:
    """One run, as far as it does not change while it is trained, and its curves so far."""

    def __init__(self, run: Run) -> None:
        self.run = run

    @cached_property
    def id(self) -> str:
        """The run's own id, which is kept in it: 32 hexadecimal digits."""
        return run_id(self.run)

    @cached_property
    def began_seconds(self) -> float:
        """When the run was made, in seconds since 1970."""
        return self.run.created.timestamp()

    @cached_property
    def params(self) -> dict[str, str]:
        """The resolved configuration, ``training.batch_size`` and so on, as YAML says it."""
        return dict(flattened(self.run.config))

    @cached_property
    def tags(self) -> dict[str, str]:
        """What it was trained on and with, as short texts."""
        run, dataset = self.run, self.run.split["dataset"]
        environment, config = run.environment, run.config
        said = {
            "run_id": self.id,
            "dataset": dataset["name"],
            "dataset_fingerprint": dataset["fingerprint"],
            "model": config["model"]["name"],
            "group": (run.group or {}).get("name"),
            "version": environment.get("versions", {}).get("cnnlab"),
            "source_revision": environment.get("source_revision"),
            "device": environment["choices"].get("device", {}).get("name"),
        }
        return {f"cnnlab.{name}": str(value) for name, value in said.items() if value}

    @cached_property
    def summary(self) -> str:
        """The layer table as a person reads it."""
        return self.run.architecture().summary().to_text()

    def points(self, skip: int = 0) -> tuple[list[Point], int]:
        """The curves' points behind the first ``skip`` lines, and how many lines there are.

        A sequential training has, beside the curves over all its epochs, those of each stage
        over the stage's own.
        """
        staged = self.run.config["training"]["mode"] == "sequential"
        timing = {(line["stage"], line["epoch"]): line for line in self.run.timing}
        now, found, number = self.began_seconds, list[Point](), 0
        for number, line in enumerate(self.run.metrics, start=1):
            time = timing.get((line["stage"], line["epoch"]), {})
            now += time.get("seconds", 0.0)
            if number <= skip:
                continue
            values = dict(_curves(line, time))
            found.append(Point(number, now, values))
            if staged:
                own = {f"stage_{line['stage']}/{name}": v for name, v in values.items()}
                found.append(Point(line["epoch"], now, own))
        return found, number

    @property
    def ended_seconds(self) -> float:
        """When its last epoch ended, by the records."""
        return self.began_seconds + float(sum(line["seconds"] for line in self.run.timing))


def _curves(line: dict[str, Any], time: dict[str, Any]) -> Iterator[tuple[str, float]]:
    """``train_loss`` as ``train/loss``, the rate, and how fast it went."""
    for key, value in line.items():
        if key in _PLACE or isinstance(value, bool) or not isinstance(value, int | float):
            continue
        part, _, figure = key.rpartition("_")
        name = "learning_rate" if key == "lr" else f"{part}/{figure}" if part else key
        yield name, float(value)
    for key in ("images_per_second", "seconds"):
        if key in time:
            yield key, float(time[key])


def read_outcome(subject: Subject, epochs: int) -> Outcome:
    """What the run's result, predictions and files say now; ``epochs``: lines of its curves."""
    run = subject.run
    evaluations = [e for split in SPLITS if (e := evaluation_of(run, split)) is not None]
    values: dict[str, float] = {}
    for key in ("train_seconds", "images_per_second"):
        if run.result is not None:
            values[f"final/{key}"] = float(run.result[key])
    for evaluation in evaluations:
        values |= {f"final/{evaluation.split}/{k}": v for k, v in _scores(evaluation).items()}
    return Outcome(
        status=run.status,
        final=Point(epochs, subject.ended_seconds, values),
        pictures={f"confusion-{e.split}": _confusion(e) for e in evaluations},
        files=[path for name in _FILES if (path := run.path / name).is_file()],
    )


def _scores(evaluation: Evaluation) -> dict[str, float]:
    scores = evaluation.scores
    f1, balanced = scores.macro_intervals
    said: dict[str, float | None] = {
        "top1": scores.top1,
        "top1_low": scores.top1_interval.low,
        "top1_high": scores.top1_interval.high,
        "top5": scores.top5,
        "macro_f1": scores.macro_f1,
        "macro_f1_low": f1.low,
        "macro_f1_high": f1.high,
        "balanced_accuracy": scores.balanced_accuracy,
        "balanced_accuracy_low": balanced.low,
        "balanced_accuracy_high": balanced.high,
        "nll": scores.nll,
        "brier": scores.brier,
        "ece": scores.ece,
        "n": float(scores.n),
    }
    return {name: float(value) for name, value in said.items() if value is not None}


def _confusion(evaluation: Evaluation) -> bytes:
    from cnnlab.evaluation.figures import confusion_heat_map

    return confusion_heat_map(evaluation.scores.matrix, evaluation.class_names).png()
