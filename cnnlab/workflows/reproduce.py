"""The six experiments of the student's report, end to end, and one document of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cnnlab.config import RunConfig
from cnnlab.data import SOURCES
from cnnlab.data.source import Say
from cnnlab.evaluation.evaluate import evaluate, evaluation_of
from cnnlab.reports import DEFAULT_FORMATS, checked_formats, write_document
from cnnlab.reports.reproduction import Subject, build_reproduction, goal_sentence, subjects_of
from cnnlab.runs import Run
from cnnlab.tables import ShownAsText, text_table
from cnnlab.training.events import Notice, Watcher, unwatched
from cnnlab.workflows.continued import existing_run, has_ended, train_or_continue
from cnnlab.workflows.experiments import (
    Experiment,
    Plan,
    check_images,
    check_same_experiment,
    parse_experiments,
)

__all__ = ["ALL_MODELS", "Reproduction", "choose_cifar10", "reproduce"]

ALL_MODELS = ("a", "b", "c", "d", "e", "f")
_BEST = "f"
_COMMAND = "cnnlab reproduce"


@dataclass(frozen=True, eq=False)
class Reproduction(ShownAsText):
    """What was trained, what it gave, and the document.

    Attributes
    ----------
    runs: one an experiment, in the order asked for.
    failed: what became of experiments that could not be finished, in words.
    files: the document, a file a format.
    """

    runs: list[Run]
    failed: list[str]
    files: list[Path]

    @property
    def subjects(self) -> list[Subject]:
        """Each run with the report's figures beside it."""
        return subjects_of(self.runs)

    def to_dict(self) -> dict[str, Any]:
        """What ``cnnlab reproduce --json`` prints."""
        return {
            "models": [_as_record(subject) for subject in self.subjects],
            "goal": goal_sentence(self.subjects),
            "failed": self.failed,
            "report": str(self.files[0]),
            "files": [str(path) for path in self.files],
        }

    def to_text(self) -> str:
        """What ``cnnlab reproduce`` prints at the end."""
        header = ["model", "train, report", "measured", "inner, report", "measured"]
        rows = [
            (
                subject.title,
                *(
                    share
                    for pair in zip(subject.reported, subject.measured, strict=True)
                    for share in pair
                ),
            )
            for subject in self.subjects
        ]
        return "\n".join(
            [
                text_table([*header, "validation, report", "measured"], rows),
                "",
                goal_sentence(self.subjects),
                *self.failed,
                f"document: {self.files[0].resolve()}",
            ]
        )


def _as_record(subject: Subject) -> dict[str, Any]:
    run = subject.record.run
    keys = ("training", "inner_validation", "validation")
    validation, test = subject.validation, subject.test
    return {
        "model": subject.model,
        "title": subject.title,
        "batch_size": run.config["training"]["batch_size"],
        "run": str(run.path),
        "status": run.status,
        "data": subject.record.dataset["name"],
        "report": dict(zip(keys, subject.reported, strict=True)),
        "measured": dict(zip(keys, subject.measured, strict=True))
        | {
            "validation_interval": list(validation.scores.top1_interval) if validation else None,
            "n": validation.scores.n if validation else None,
            "test": test.scores.top1 if test else None,
        },
        "train_seconds": (run.result or {}).get("train_seconds"),
        "differs_in": subject.deviations,
    }


def choose_cifar10(say: Say) -> str:
    """CIFAR-10 where it is found, else its copy as JPEG files where that is, else a download."""
    for name in ("cifar10", "cifar10-jpeg"):
        found = SOURCES.get(name).find()
        if found is not None:
            say(f"data: {SOURCES.get(name).title}, found at {found.path}")
            return name
    return "cifar10"


def reproduce(
    models: Sequence[str] = ALL_MODELS,
    *,
    scale: float = 1.0,
    data: str | None = None,
    fashion: str = "fashion-mnist",
    seed: int = 0,
    device: str = "auto",
    overrides: Sequence[str] = (),
    runs: Path = Path("runs"),
    out: Path | None = None,
    formats: Sequence[str] = DEFAULT_FORMATS,
    command: Sequence[str] = (),
    watch: Watcher = unwatched,
) -> Reproduction:
    """Train the report's models as it did, evaluate them, and write report beside measurement.

    Parameters
    ----------
    models: letters; ``a@32`` is model A with batches of 32 instead of the report's.
    scale: the share of the report's images to take.
    data, fashion: what stands for CIFAR-10 (None: the best that can be had) and Fashion-MNIST.
    overrides: further settings of every run, as ``--set`` takes them.
    runs: where the run directories go; one that has ended is left as it is, one that was cut off
        goes on.
    out: the document's folder; None: ``reproduction`` inside ``runs``.
    formats: what it is written as: html, md, pdf.
    command: what was typed, for the document.

    Everything is checked before the first training: names, settings, enough images, and that
    runs which exist are of the same experiments (:class:`RunError` if not). The document is
    written anew after each model. Model F's test images are opened once, with a line in its
    ledger. A model whose loss diverges is noted, and the others go on.
    """

    def say(line: str) -> None:
        watch(Notice(line))

    formats = checked_formats(formats)
    experiments = parse_experiments(models)
    needs_cifar10 = any(not experiment.uses_fashion_mnist for experiment in experiments)
    source = data or (choose_cifar10(say) if needs_cifar10 else "cifar10")
    plan = Plan(source, fashion, scale, seed, device, tuple(overrides))
    work = [(experiment, plan.config_of(experiment)) for experiment in experiments]
    _check(work, scale, runs, say)
    folder = out or runs / plan.folder_name
    done, failed, files = [], [], []
    for number, (experiment, config) in enumerate(work, start=1):
        say(f"{experiment.title} ({number} of {len(work)})")
        ended_before = has_ended(config, runs)
        run, failure = train_or_continue(config, runs, watch)
        if failure:
            failed.append(f"{experiment.title}: {failure}")
        elif experiment.letter == _BEST and evaluation_of(run, "test") is None:
            evaluate(run, "test", command=_COMMAND, say=say)
        done.append(run)
        if number == len(work) or not ended_before:
            waiting = [f"{other.title}: not trained yet" for other, _ in work[number:]]
            document = build_reproduction(done, missing=failed + waiting, command=command)
            files = write_document(document, folder, formats)
    return Reproduction(done, failed, files)


def _check(
    work: Sequence[tuple[Experiment, RunConfig]], scale: float, runs: Path, say: Say
) -> None:
    """Find what cannot work before hours are spent."""
    for source in dict.fromkeys(config.data.source for _, config in work):
        largest = max(
            (config for _, config in work if config.data.source == source),
            key=lambda config: config.data.train or 0,
        )
        check_images(largest, scale, say)
    for _, config in work:
        existing = existing_run(config, runs)
        if existing is not None:
            check_same_experiment(existing, config)
