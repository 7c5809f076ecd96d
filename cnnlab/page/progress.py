"""How far a training is, as its run directory tells while it goes on; and asking it to stop."""

from __future__ import annotations

import datetime
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cnnlab.errors import RunError
from cnnlab.files import write_text
from cnnlab.page.memory import Memory, state_of
from cnnlab.runs import Run
from cnnlab.runs.run import Record
from cnnlab.training.stages import Length, plan_stages

__all__ = ["Progress", "ProgressReader", "ask_to_stop"]

#: So long after training the page still waits for the evaluation that follows it.
_EVALUATION_SECONDS = 180.0


@dataclass(frozen=True)
class Progress:
    """A training on its way.

    Attributes
    ----------
    state: "running", "settling" (trained, being evaluated) or "done" (nothing changes any more).
    stages, epochs: in all, and of the present stage at most.
    share: of all steps, 0 to 1; early stopping may end it before 1.
    elapsed_seconds, left_seconds: of the whole; None where nothing is known yet.
    images_per_second: of the newest epoch.
    stopping: whether somebody asked it to stop.
    """

    state: str
    stage: int
    stages: int
    epoch: int
    epochs: int
    share: float
    elapsed_seconds: float | None
    left_seconds: float | None
    images_per_second: float | None
    stopping: bool

    @property
    def planned(self) -> int:
        """Epochs of all stages, if none ends early."""
        return self.stages * self.epochs


class ProgressReader:
    """Reads progress; the plan of a training, which needs all its rows, only once."""

    def __init__(self) -> None:
        self._plans: Memory[list[Length]] = Memory(64)

    def of(self, run: Run) -> Progress:
        """Where the training of a run stands; :class:`RunError` where a file is damaged."""
        files = (run.path / "config.yaml", run.path / "split.json")
        plan = self._plans.get(run.path, state_of(files), lambda: _plan(run))
        metrics, samples, timing = run.metrics, run.resources, run.timing
        stage, epoch, done = _position(plan, metrics, samples)
        share = min(done / sum(length.steps for length in plan), 1.0)
        elapsed = float(samples[-1]["seconds"]) if samples else None
        return Progress(
            state=_state(run),
            stage=stage,
            stages=len(plan),
            epoch=min(epoch, plan[stage - 1].epochs),
            epochs=plan[stage - 1].epochs,
            share=share,
            elapsed_seconds=elapsed,
            left_seconds=_left(run, elapsed, share, timing),
            images_per_second=timing[-1].get("images_per_second") if timing else None,
            stopping=run.stop_file.exists(),
        )


def _plan(run: Run) -> list[Length]:
    training = run.typed_config().training
    stages = plan_stages(np.array(run.split["train"], dtype=np.int64), training)
    return [Length.of(len(stage.train), training) for stage in stages]


def _state(run: Run) -> str:
    status = run.status
    if status == "running":
        return status
    result = run.path / "result.json"
    if status != "finished" or (run.path / "predictions" / "validation.npz").exists():
        return "done"
    recent = time.time() - result.stat().st_mtime < _EVALUATION_SECONDS
    return "settling" if recent and run.split["validation"] else "done"


def _position(
    plan: Sequence[Length], metrics: Sequence[Record], samples: Sequence[Record]
) -> tuple[int, int, int]:
    """Stage and epoch under way, and the steps behind: the further of what two files say."""
    places = [(1, 1, 0)]
    if metrics:
        places.append((int(metrics[-1]["stage"]), int(metrics[-1]["epoch"]) + 1, 0))
    newest = samples[-1] if samples else {}
    if {"stage", "epoch", "step"} <= newest.keys():
        places.append((newest["stage"], newest["epoch"], newest["step"]))
    stage, epoch, step = max(places)
    if stage > len(plan):  # between the last step and the end
        return len(plan), plan[-1].epochs, sum(length.steps for length in plan)
    before = sum(length.steps for length in plan[: stage - 1])
    own = plan[stage - 1]
    return stage, epoch, before + min((epoch - 1) * own.batches + step, own.steps)


def _left(run: Run, elapsed: float | None, share: float, timing: Sequence[Record]) -> float | None:
    """Seconds to go if the rest is as fast; the time limit ends it before that."""
    if elapsed is None or share <= 0:
        return None
    left = elapsed * (1 - share) / share
    limit = run.typed_config().training.time_limit_seconds
    if limit is not None:
        left = min(left, max(limit - sum(float(line["seconds"]) for line in timing), 0.0))
    return left


def ask_to_stop(run: Run) -> None:
    """Leave the file that training looks for; :class:`RunError` where nobody trains it."""
    if run.status != "running":
        raise RunError("nobody is training it just now", where=run.path)
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    write_text(run.stop_file, f"The page asked training to stop, {now}.\n")
