"""Train, then say what validation shows: the composition behind ``cnnlab train``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cnnlab.config import RunConfig
from cnnlab.evaluation.evaluate import Evaluation, evaluate, evaluation_of
from cnnlab.runs import AnyRun, Run, as_run, command_line
from cnnlab.runs.run import Record
from cnnlab.tables import ShownAsText
from cnnlab.training.events import Watcher, unwatched
from cnnlab.training.loop import resume, train
from cnnlab.training.records import write_progress

__all__ = ["Trained", "resume_and_evaluate", "train_and_evaluate"]


@dataclass(frozen=True, eq=False)
class Trained(ShownAsText):
    """A run that has ended, and its validation; None where the split has no validation."""

    run: Run
    validation: Evaluation | None

    def to_dict(self) -> dict[str, Any]:
        """What ``cnnlab train --json`` prints."""
        result = self.run.result or {}
        scores = self.validation.scores if self.validation else None
        keys = ("status", "epochs", "train_seconds", "images_per_second", "stopped_because")
        return {
            "run": str(self.run.path),
            **{key: result.get(key) for key in keys},
            "validation": {
                "top1": scores.top1,
                "top1_interval": list(scores.top1_interval),
                "loss": scores.nll,
                "n": scores.n,
            }
            if scores
            else None,
            "remarks": self.run.remarks,
        }

    def to_text(self) -> str:
        """What ``cnnlab train`` prints."""
        result = self.run.result or {}
        epochs = "1 epoch" if result["epochs"] == 1 else f"{result['epochs']} epochs"
        lines = [
            f"{self.run.path}: {epochs} in "
            f"{result['train_seconds']:.1f} s "
            f"({result['images_per_second']:,.0f} images/s), {result['stopped_because']}"
        ]
        if self.validation:
            lines.append(self.validation.headline())
        lines.append("next: " + command_line("report", self.run.path))
        return "\n".join(lines)


def train_and_evaluate(
    config: RunConfig,
    runs: Path = Path("runs"),
    watch: Watcher = unwatched,
    *,
    group: Record | None = None,
) -> Trained:
    """Train a new run in ``runs`` and evaluate it on its validation split.

    ``group`` as :func:`cnnlab.training.loop.train` takes it.
    """
    return _evaluated(train(config, runs, watch, group=group))


def resume_and_evaluate(
    run: AnyRun, watch: Watcher = unwatched, *, inexact: bool = False
) -> Trained:
    """Go on with a run, and evaluate it where that has not been done.

    ``inexact`` as :func:`cnnlab.training.loop.resume` takes it.
    """
    return _evaluated(resume(as_run(run), watch, inexact=inexact))


def _evaluated(run: Run) -> Trained:
    done = None
    if run.split["validation"]:
        done = evaluation_of(run, "validation") or evaluate(run, "validation")
    # Even where nothing was left to do: a kill may have come just before this.
    write_progress(run)
    return Trained(run, done)
