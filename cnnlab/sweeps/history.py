"""What happened in a sweep, from its journal: a line an event, appended and flushed as it happens.

The journal is all that a sweep goes on from. Its seconds are those of the sweep's own clock, which
stands still while nobody works on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from cnnlab.errors import RunError

__all__ = ["BASELINE", "Epoch", "FreshRun", "History", "State", "Trial", "event"]

#: The base configuration's trial.
BASELINE = 0

State = Literal["running", "finished", "pruned", "stopped", "failed"]

Event = dict[str, Any]


@dataclass(frozen=True)
class Epoch:
    """A trial's objective after an epoch, None where nothing was watched; the best so far.

    ``seconds`` are those of its training, or of the clock where these are not known.
    """

    stage: int
    epoch: int
    value: float | None
    seconds: float


@dataclass
class Trial:
    """One trial as far as it has come.

    Attributes
    ----------
    params: its values by key; of the base configuration what it has there.
    started, ended: on the sweep's clock, in seconds.
    value: the objective on validation, of a finished one.
    pruned: whether the pruner has spoken.
    said: why it failed or was stopped.
    """

    number: int
    params: dict[str, Any]
    started: float
    state: State = "running"
    ended: float | None = None
    value: float | None = None
    epochs: list[Epoch] = field(default_factory=list)
    pruned: bool = False
    said: str = ""

    @property
    def last_value(self) -> float | None:
        """The objective, or what it was when it was seen last."""
        if self.value is not None:
            return self.value
        return next((one.value for one in reversed(self.epochs) if one.value is not None), None)

    def seen(self, stage: int, epoch: int) -> bool:
        """Whether an epoch is known: after a kill the last ones are trained again."""
        return any((one.stage, one.epoch) == (stage, epoch) for one in self.epochs)

    @property
    def seconds(self) -> float | None:
        """From its start to its end on the sweep's clock."""
        return None if self.ended is None else self.ended - self.started


@dataclass
class FreshRun:
    """A candidate trained with another seed than the search's."""

    trial: int
    seed: int
    started: float
    ended: float | None = None
    value: float | None = None
    said: str = ""


@dataclass
class History:
    """The state of a sweep after some events.

    Attributes
    ----------
    seconds: the clock at the last event.
    candidates: the trials that are trained on fresh seeds, best first; empty during the search.
    fresh: by trial and seed.
    sessions: how often work on it began.
    """

    trials: dict[int, Trial] = field(default_factory=dict)
    candidates: list[int] = field(default_factory=list)
    fresh: dict[tuple[int, int], FreshRun] = field(default_factory=dict)
    seconds: float = 0.0
    sessions: int = 0

    def follow(self, one: Mapping[str, Any], *, where: str) -> None:
        """Apply a line that was read; :class:`RunError` says ``where`` it means nothing."""
        try:
            self.apply(one)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise RunError(
                f"damaged ({type(error).__name__} {error})",
                where=where,
                todo="remove the line, or begin another sweep",
            ) from None

    def apply(self, one: Mapping[str, Any]) -> None:
        """Take note of an event; see :func:`event` for which there are."""
        _FOLDS[one["event"]](self, one)
        self.seconds = max(self.seconds, float(one["seconds"]))

    def ended(self, *states: State) -> list[Trial]:
        """Trials in some states, in their order."""
        return [trial for trial in self.trials.values() if trial.state in states]

    def unended(self) -> list[Trial]:
        """Trials that run, or were cut off."""
        return self.ended("running")

    def ranked(self, *, larger: bool) -> list[Trial]:
        """Finished trials, the best first; of equal ones the earlier."""
        done = [trial for trial in self.ended("finished") if trial.value is not None]
        sign = -1 if larger else 1
        return sorted(done, key=lambda trial: (sign * (trial.value or 0.0), trial.number))

    def full_seconds(self) -> float | None:
        """How long a trial takes that is trained to its end: the mean; None where none is known."""
        known = [trial.seconds for trial in self.ended("finished") if trial.seconds is not None]
        known += [
            run.ended - run.started
            for run in self.fresh.values()
            if run.ended is not None and not run.said
        ]
        return sum(known) / len(known) if known else None

    def fresh_values(self, trial: int) -> dict[int, float]:
        """A candidate's objective by fresh seed."""
        return {
            run.seed: run.value
            for run in self.fresh.values()
            if run.trial == trial and run.value is not None
        }


def event(kind: str, seconds: float, **facts: Any) -> Event:
    """A line of the journal: "session", "start", "epoch", "end", "candidates", "fresh", "done"."""
    if kind not in _FOLDS:
        raise ValueError(f"no event '{kind}'")
    return {"event": kind, "seconds": round(seconds, 3), **facts}


def _session(history: History, one: Mapping[str, Any]) -> None:
    del one
    history.sessions += 1


def _start(history: History, one: Mapping[str, Any]) -> None:
    number = int(one["trial"])
    history.trials[number] = Trial(number, dict(one["params"]), float(one["seconds"]))


def _epoch(history: History, one: Mapping[str, Any]) -> None:
    trial = history.trials[one["trial"]]
    value = None if one["value"] is None else float(one["value"])
    trial.epochs.append(Epoch(int(one["stage"]), int(one["epoch"]), value, float(one["spent"])))
    trial.pruned = trial.pruned or bool(one["pruned"])


def _end(history: History, one: Mapping[str, Any]) -> None:
    trial = history.trials[one["trial"]]
    trial.state, trial.ended = one["state"], float(one["seconds"])
    trial.value = None if one["value"] is None else float(one["value"])
    trial.said = str(one["said"])


def _candidates(history: History, one: Mapping[str, Any]) -> None:
    history.candidates = [history.trials[number].number for number in one["trials"]]


def _fresh(history: History, one: Mapping[str, Any]) -> None:
    trial, seed = int(one["trial"]), int(one["seed"])
    history.fresh[trial, seed] = FreshRun(trial, seed, float(one["seconds"]))


def _done(history: History, one: Mapping[str, Any]) -> None:
    run = history.fresh[one["trial"], one["seed"]]
    run.ended = float(one["seconds"])
    run.value = None if one["value"] is None else float(one["value"])
    run.said = str(one["said"])


_FOLDS = {
    "session": _session,
    "start": _start,
    "epoch": _epoch,
    "end": _end,
    "candidates": _candidates,
    "fresh": _fresh,
    "done": _done,
}
