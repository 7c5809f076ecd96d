"""The main job on the best data that can be had: choose, train, evaluate, report."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cnnlab.data import SOURCES, bring
from cnnlab.data.source import Say
from cnnlab.errors import CnnlabError
from cnnlab.evaluation.evaluate import Evaluation, evaluate
from cnnlab.reports import write_report
from cnnlab.runs import Run, command_line
from cnnlab.tables import ShownAsText
from cnnlab.training.events import Notice, Watcher, unwatched
from cnnlab.training.records import write_progress
from cnnlab.workflows.budget import configure_in_time
from cnnlab.workflows.train import train_and_evaluate

__all__ = ["Quickstart", "choose_data", "quickstart"]

#: A download that would take longer is left to the user's decision.
_FETCH_SECONDS = 60.0

#: Dataset, and whether to download it; the first that can be had is taken.
_PREFERENCE = (
    ("cifar10", False),
    ("cifar10-jpeg", False),
    ("cifar10", True),
    ("fashion-mnist", False),
    ("fashion-mnist", True),
)
_ALWAYS_THERE = "digits"


@dataclass(frozen=True, eq=False)
class Quickstart(ShownAsText):
    """What quickstart did."""

    run: Run
    validation: Evaluation
    test: Evaluation
    files: list[Path]

    @property
    def report(self) -> Path:
        """The report to open first."""
        return next(path for path in self.files if path.suffix == ".html")

    def to_dict(self) -> dict[str, Any]:
        """What ``cnnlab quickstart --json`` prints."""

        def brief(evaluation: Evaluation) -> dict[str, Any]:
            scores = evaluation.scores
            return {
                "top1": scores.top1,
                "top1_interval": list(scores.top1_interval),
                "loss": scores.nll,
                "n": scores.n,
            }

        return {
            "dataset": self.run.split["dataset"]["name"],
            "run": str(self.run.path),
            "report": str(self.report),
            "validation": brief(self.validation),
            "test": brief(self.test),
            "train_seconds": (self.run.result or {}).get("train_seconds"),
        }

    def to_text(self) -> str:
        """What ``cnnlab quickstart`` prints at the end."""
        name = self.run.split["dataset"]["name"]
        seconds = (self.run.result or {})["train_seconds"]
        return "\n".join(
            [
                "",
                f"{name}, {seconds:.0f} s of training",
                f"  {self.validation.headline()}",
                f"  {self.test.headline()}",
                f"  report: {self.report.resolve()}",
                "",
                "next:",
                *self._next_steps(),
            ]
        )

    def _next_steps(self) -> list[str]:
        steps = (
            (command_line("evaluate", self.run.path), "the scores of every class"),
            (command_line("predict", self.run.path, "IMAGE"), "what an image of yours shows"),
            ("cnnlab ui", "all of it as a page"),
            ("cnnlab train --model model-f --data DATA", "a model of the student's report"),
            ("cnnlab train --data FOLDER", "your own images, a folder a class"),
        )
        width = max(len(command) for command, _ in steps)
        return [f"  {command:{width}}  {what}" for command, what in steps]


def choose_data(say: Say) -> str:
    """The name of the best dataset that can be had within a minute; says which and why."""
    for name, download in _PREFERENCE:
        source = SOURCES.get(name)
        try:
            was_here = source.find() is not None
            found = bring(name, say=say, download=download, time_limit_seconds=_FETCH_SECONDS)
            if found is not None:
                how = f"found at {found.path}" if was_here else "downloaded"
                say(f"data: {source.title}, {how}")
                return name
        except CnnlabError as error:
            say(f"data: not {source.title}: {error}")
    say(f"data: {SOURCES.get(_ALWAYS_THERE).title}, for it comes with scikit-learn")
    return _ALWAYS_THERE


def quickstart(
    *,
    data: str | None = None,
    budget_seconds: float = 120.0,
    seed: int = 0,
    device: str = "auto",
    runs: Path = Path("runs"),
    watch: Watcher = unwatched,
) -> Quickstart:
    """Train within a budget, evaluate on validation and test, write the report.

    The largest network and number of epochs that fit the budget by a measurement of this
    machine's speed are written into the run's configuration before training starts.
    """

    def say(line: str) -> None:
        watch(Notice(line))

    config = configure_in_time(
        settings={
            "seed": seed,
            "device": device,
            "data": {"source": data or choose_data(say)},
            "training": {"time_limit_seconds": budget_seconds},
        },
        runs=runs,
        watch=watch,
    )
    trained = train_and_evaluate(config, runs, watch)
    run = trained.run
    validation = trained.validation or evaluate(run, "validation")
    test = evaluate(run, "test", command="cnnlab quickstart")
    write_progress(run)
    return Quickstart(run, validation, test, write_report([run], run.path))
