"""A sweep at work: its journal, the history that follows from it, and Optuna's part in it."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any

from cnnlab.evaluation.evaluate import evaluation_of
from cnnlab.files import append_line, write_text
from cnnlab.runs import Run
from cnnlab.runs.records import read_lines
from cnnlab.sweeps import BASELINE, Engine, History, Trial, event
from cnnlab.workflows.sweep_plan import SweepPlan

__all__ = ["Study", "SweepView", "Watch", "fresh_name", "trial_name"]


def trial_name(number: int) -> str:
    """The run of a trial."""
    return f"trial-{number:03d}"


def fresh_name(number: int) -> str:
    """The group of a trial's runs with fresh seeds; each adds ``-seedN``."""
    return f"fresh-{number:03d}"


@dataclass(frozen=True, eq=False)
class SweepView:
    """What somebody who watches a sweep sees after each event.

    Attributes
    ----------
    last: the event, as the journal has it.
    seconds: on the sweep's clock.
    phase: "search" or "confirmation".
    """

    plan: SweepPlan
    history: History
    last: Mapping[str, Any]
    seconds: float
    phase: str


Watch = Callable[[SweepView], None]


class Study:
    """All that happens goes through here: first to the journal, then to whoever wants to know."""

    def __init__(self, plan: SweepPlan, watch: Watch) -> None:
        self.plan, self._watch = plan, watch
        self.history = History()
        self.engine = Engine(plan.space, plan.engine)
        self.phase = "search"
        events = read_lines(plan.journal)
        for number, one in enumerate(events, start=1):
            self._fold(one, f"{plan.journal}, line {number}")
        self._offset, self._began = self.history.seconds, monotonic()

    @property
    def clock(self) -> float:
        """Seconds of work on this sweep, all sessions together."""
        return self._offset + monotonic() - self._began

    def note(self, kind: str, **facts: Any) -> None:
        """Write an event into the journal and act on it."""
        one = event(kind, self.clock, **facts)
        append_line(self.plan.journal, json.dumps(one, ensure_ascii=False))
        self.history.apply(one)
        self._watch(SweepView(self.plan, self.history, one, self.clock, self.phase))

    def _fold(self, one: Mapping[str, Any], where: str) -> None:
        """Bring history and engine to where they stood after an event of an earlier session."""
        self.history.follow(one, where=where)
        kind = one["event"]
        if kind == "start":
            self.engine.replay(one["trial"], one["params"])
        elif kind == "epoch" and one["value"] is not None:
            epochs = len(self.history.trials[one["trial"]].epochs)
            self.engine.report(one["trial"], epochs, one["spent"], one["value"])
        elif kind == "end":
            self.engine.tell(one["trial"], one["state"], one["value"])

    def start(self, number: int, params: Mapping[str, Any]) -> None:
        """A trial begins; the engine has heard of it already."""
        self.note("start", trial=number, params=dict(params))

    def epoch(self, trial: Trial, record: Mapping[str, Any], *, last: bool) -> bool:
        """An epoch of a trial was trained; whether the pruner wants it to stop there.

        The base configuration, and who has only this epoch to go, are never pruned.
        """
        stage, number = int(record["stage"]), int(record["epoch"])
        if trial.seen(stage, number):
            return trial.pruned
        value, spent = self._watched(trial, record), self._spent(trial, stage, number)
        pruned = False
        if value is not None:
            epochs = len(trial.epochs) + 1
            pruned = self.engine.report(trial.number, epochs, spent, value)
        self.note(
            "epoch",
            trial=trial.number,
            stage=stage,
            epoch=number,
            value=value,
            spent=round(spent, 3),
            pruned=pruned and not last and trial.number != BASELINE,
        )
        return trial.pruned

    def end(self, trial: Trial, state: str, said: str = "") -> None:
        """A trial ended; of a finished one the objective is read from its predictions."""
        value = self.value_of(trial_name(trial.number)) if state == "finished" else None
        if state == "finished" and value is None:
            state, said = "failed", "its validation gives no number"
        self.engine.tell(trial.number, state, value)
        self.note("end", trial=trial.number, state=state, value=value, said=said)
        self._write_trials()

    def value_of(self, name: str) -> float | None:
        """The objective on validation of a run; None where it has none."""
        found = evaluation_of(Run(self.plan.runs / name), "validation")
        if found is None:
            return None
        accuracy = self.plan.engine.larger_is_better
        value = found.scores.top1 if accuracy else found.scores.nll
        return value if math.isfinite(value) else None

    def _watched(self, trial: Trial, record: Mapping[str, Any]) -> float | None:
        """The best that the objective has been, as the best epoch's weights are what counts."""
        values = [
            record[f"{part}_{self.plan.engine.objective}"]
            for part in ("validation", "inner")
            if f"{part}_{self.plan.engine.objective}" in record
        ]
        if not values or not math.isfinite(values[0]):
            return None
        before = trial.last_value
        if before is None:
            return float(values[0])
        better = max if self.plan.engine.larger_is_better else min
        return float(better(before, values[0]))

    def _spent(self, trial: Trial, stage: int, epoch: int) -> float:
        """Seconds of a trial's training up to an epoch; of the clock where they are not here."""
        spent = 0.0
        for line in Run(self.plan.runs / trial_name(trial.number)).timing:
            spent += float(line["seconds"])
            if (line["stage"], line["epoch"]) == (stage, epoch):
                return spent
        return self.clock - trial.started

    def _write_trials(self) -> None:
        """``trials.jsonl``: a line a trial, for whoever wants to look at them with other tools."""
        lines = [
            json.dumps(
                {
                    "trial": trial.number,
                    "run": trial_name(trial.number),
                    "state": trial.state,
                    "value": trial.value,
                    "params": trial.params,
                    "epochs": len(trial.epochs),
                    "seconds": trial.seconds,
                    "said": trial.said,
                },
                ensure_ascii=False,
            )
            for trial in self.history.trials.values()
        ]
        write_text(self.plan.folder / "trials.jsonl", "".join(f"{line}\n" for line in lines))
