"""From a sweep's history to what is said of it: on the terminal, as JSON, in the document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cnnlab.evaluation.figures import ParallelAxis
from cnnlab.reports.sweep_record import CandidateRow, SweepRecord, TrialRow
from cnnlab.reports.sweep_words import SweepWords
from cnnlab.reports.wording import setting_text
from cnnlab.runs import Run, command_line
from cnnlab.sweeps import (
    Candidate,
    Confirmation,
    Dimension,
    History,
    Importance,
    Trial,
    confirm,
)
from cnnlab.sweeps.dimensions import Choice
from cnnlab.tables import ShownAsText, text_table
from cnnlab.workflows.sweep_plan import SweepPlan
from cnnlab.workflows.sweep_study import fresh_name, trial_name

__all__ = ["Tuned", "confirmation_of", "record_of", "value_text"]

#: Trials that are printed at the end; the report has all.
_SHOWN = 10


@dataclass(frozen=True, eq=False)
class Tuned(ShownAsText):
    """What a sweep found.

    Attributes
    ----------
    record: what the document is made of.
    confirmation: what fresh seeds say.
    best_config: the winner as a file that ``cnnlab train --config`` takes.
    files: the document, HTML first.
    """

    plan: SweepPlan
    history: History
    record: SweepRecord
    confirmation: Confirmation
    best_config: Path
    files: list[Path]

    @property
    def winner(self) -> Trial:
        """The trial to take."""
        return self.history.trials[self.record.winner]

    @property
    def runs(self) -> list[Run]:
        """Run directories of all trials that have one."""
        found = (Run(self.plan.runs / trial_name(number)) for number in self.history.trials)
        return [run for run in found if run.path.is_dir()]

    def to_dict(self) -> dict[str, Any]:
        """What ``cnnlab tune --json`` prints."""
        record = self.record
        improvement = record.improvement
        return {
            "sweep": str(self.plan.folder),
            "objective": record.objective,
            "seconds": round(record.seconds, 1),
            "trials": [_trial_dict(self.plan, trial) for trial in self.history.trials.values()],
            "best_trial": record.best,
            "candidates": [self._candidate(one) for one in self.confirmation.candidates],
            "winner": {
                "trial": record.winner,
                "params": self.winner.params,
                "confirmed": record.confirmed,
            },
            "improvement": None
            if improvement is None
            else {
                "difference": improvement[0],
                "interval": list(improvement[1:3]),
                "p_value": improvement[3],
            },
            "importance": None if record.importance is None else dict(record.importance[0]),
            "best_config": str(self.best_config),
            "train": record.train,
            "report": str(self.files[0]),
            "files": [str(path) for path in self.files],
        }

    def _candidate(self, one: Candidate) -> dict[str, Any]:
        summary = one.summary
        interval = None if summary is None else summary.interval
        return {
            "trial": one.trial,
            "searched": one.searched,
            "fresh": {str(seed): value for seed, value in one.fresh.items()},
            "mean": None if summary is None else summary.mean,
            "sd": None if summary is None else summary.deviation,
            "interval": None if interval is None else list(interval),
            "search_minus_mean": one.shift,
            "group": fresh_name(one.trial),
        }

    def to_text(self) -> str:
        """What ``cnnlab tune`` prints at the end."""
        record, words = self.record, SweepWords(accuracy=self.record.accuracy)
        return "\n".join(
            [
                words.states([row.state for row in record.trials]),
                "",
                _best_trials(record),
                "",
                *_said(record, words),
                f"report: {self.files[0]}",
                f"next: {record.train}",
            ]
        )


def _best_trials(record: SweepRecord) -> str:
    sign = -1 if record.accuracy else 1
    done = [row for row in record.trials if row.state == "finished" and row.value is not None]
    done.sort(key=lambda row: sign * (row.value or 0.0))
    header = ["trial", *record.keys, record.objective]
    return text_table(header, [[row.number, *row.values, row.value] for row in done[:_SHOWN]])


def _said(record: SweepRecord, words: SweepWords) -> list[str]:
    rows = {one.trial: one for one in record.candidates}
    winner, best = rows.get(record.winner), rows.get(record.best)
    if not record.confirmed or winner is None or winner.mean is None:
        return [words.unconfirmed(record.winner)]
    said = [
        words.winner(winner.trial, winner.mean, winner.interval, len(winner.fresh)),
        words.improvement(record.winner, record.improvement),
    ]
    if best is not None and best.mean is not None and best.searched is not None:
        said.append(words.luck(record.best, best.searched, best.mean))
    return said


def _trial_dict(plan: SweepPlan, trial: Trial) -> dict[str, Any]:
    return {
        "trial": trial.number,
        "run": str(plan.runs / trial_name(trial.number)),
        "state": trial.state,
        "value": trial.value,
        "params": trial.params,
        "epochs": len(trial.epochs),
        "seconds": trial.seconds,
        "said": trial.said,
    }


def confirmation_of(plan: SweepPlan, history: History) -> Confirmation:
    """What the fresh seeds of a sweep say."""
    images = None
    if plan.engine.objective == "accuracy" and history.candidates:
        split = Run(plan.runs / trial_name(history.candidates[0])).split
        images = len(split["validation"])
    candidates = [
        Candidate(number, history.trials[number].value, history.fresh_values(number), images)
        for number in history.candidates
    ]
    return confirm(candidates, larger=plan.engine.larger_is_better)


def record_of(
    plan: SweepPlan,
    history: History,
    confirmation: Confirmation,
    importance: Importance | None,
    train: str,
) -> SweepRecord:
    """What the document says; there has to be a finished trial."""
    best = history.ranked(larger=plan.engine.larger_is_better)[0].number
    winner = confirmation.winner
    test = confirmation.improvement
    split = Run(plan.runs / trial_name(best)).split
    return SweepRecord(
        name=plan.name,
        objective=plan.engine.objective,
        keys=tuple(plan.space.dimensions),
        axes=tuple(_axis(key, one) for key, one in plan.space.dimensions.items()),
        trials=tuple(_row(plan, trial, history.candidates) for trial in history.trials.values()),
        candidates=tuple(map(_candidate_row, confirmation.candidates)),
        best=best,
        winner=best if winner is None else winner.trial,
        confirmed=winner is not None,
        improvement=None if test is None else (test.value, *test.interval(), test.p_value),
        importance=None if importance is None else (importance.shares, importance.trials),
        facts=_facts(plan, history),
        images=len(split["validation"]),
        data=str(split["dataset"]["name"]),
        seconds=history.seconds,
        train=train,
        again=command_line("tune", "--resume", plan.folder),
    )


def value_text(value: Any) -> str:
    """A value as a table shows it: numbers to four digits."""
    if isinstance(value, float):
        return f"{value:.4g}"
    return setting_text(value)


def _row(plan: SweepPlan, trial: Trial, chosen: list[int]) -> TrialRow:
    values = [trial.params.get(key) for key in plan.space.dimensions]
    places = [
        one.position(value) if one.holds(value) else None
        for one, value in zip(plan.space.dimensions.values(), values, strict=True)
    ]
    return TrialRow(
        number=trial.number,
        values=tuple(map(value_text, values)),
        places=tuple(places),
        state=trial.state,
        value=trial.last_value,
        epochs=len(trial.epochs),
        seconds=trial.seconds,
        said=trial.said,
        chosen=trial.number in chosen,
    )


def _candidate_row(one: Candidate) -> CandidateRow:
    summary = one.summary
    interval = None if summary is None else summary.interval
    return CandidateRow(
        trial=one.trial,
        searched=one.searched,
        fresh=tuple(one.fresh.values()),
        mean=None if summary is None else summary.mean,
        deviation=None if summary is None else summary.deviation,
        interval=None if interval is None else (interval.low, interval.high),
        shift=one.shift,
    )


def _axis(key: str, dimension: Dimension) -> ParallelAxis:
    """A figure's axis; of a range the ends and the middle are named."""
    every = dimension.every()
    if isinstance(dimension, Choice) or (every is not None and len(every) <= 5):
        values = list(every or [])
    else:
        low, *_, high = dimension.probes()
        values = [low, high]
    ticks = [(dimension.position(value), value_text(value)) for value in values]
    return ParallelAxis(key, tuple(ticks))


def _facts(plan: SweepPlan, history: History) -> tuple[tuple[str, str], ...]:
    budget = plan.budget
    facts: dict[str, str] = {
        **{key: setting_text(value) for key, value in plan.engine.to_dict().items()},
        "time": "no limit" if budget.seconds is None else f"{budget.seconds:g} s",
        "trials": "no limit" if budget.trials is None else str(budget.trials),
        "confirm": f"{budget.confirm} of the best and the base configuration",
        "fresh seeds": str(budget.seeds),
        "sessions": str(history.sessions),
        **{f"space: {key}": _range(one) for key, one in plan.space.dimensions.items()},
        **{f"base: {key}": value_text(value) for key, value in plan.base.items()},
    }
    return tuple(facts.items())


def _range(dimension: Dimension) -> str:
    content: Mapping[str, Any] = dimension.to_dict()
    return ", ".join(f"{key}: {setting_text(value)}" for key, value in content.items())
