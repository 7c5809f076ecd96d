"""Runs on their way to trackers while they are trained, at no risk to the training."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from cnnlab.errors import CnnlabError
from cnnlab.runs import Run, command_line
from cnnlab.tracking.follow import Follower
from cnnlab.tracking.identity import remember, remembered
from cnnlab.tracking.target import Target
from cnnlab.training.events import EpochDone, Event, Notice, RunOpened, Watcher

__all__ = ["Tracking", "targets_for"]

#: Lines are sent at most so often: reading them takes longer the more there are.
_EVERY_SECONDS = 1.0


def targets_for(run: Run, asked: Sequence[Target]) -> list[Target]:
    """Where a resumed run goes: where it is asked to, else where it was being sent before."""
    return list(asked) or remembered(run)


class Tracking(AbstractContextManager["Tracking"]):
    """A watcher of training's events that sends each run's records on.

    Parameters
    ----------
    targets: where to; none: events are passed on and nothing else happens.
    watch: who else watches; it is told of a tracker that fails, too.
    every_seconds: lines are sent at most so often, and all of them at the run's end.

    A tracker that fails is left out from then on, said in one line with the command that sends
    the run afterwards. When it is left, or another run begins, the last run's end is sent.
    """

    def __init__(
        self, targets: Sequence[Target], watch: Watcher, *, every_seconds: float = _EVERY_SECONDS
    ) -> None:
        self._targets, self._watch, self._every = list(targets), watch, every_seconds
        self._followers: list[Follower] = []
        self._opened: set[Path] = set()
        self._sent_at = 0.0

    def __call__(self, event: Event) -> None:
        """Pass an event on, then send what has come."""
        self._watch(event)
        if isinstance(event, RunOpened):
            self._finish()
            self._begin(Run(event.path))
        elif isinstance(event, EpochDone) and time.monotonic() - self._sent_at >= self._every:
            self._each(Follower.sync)

    def __exit__(self, *_: object) -> None:
        self._finish()

    def catch_up(self, runs: Sequence[Run]) -> None:
        """Send what others have trained: runs whose events never came here."""
        for run in runs:
            if run.path.resolve() not in self._opened:
                self._finish()
                self._begin(run)
        self._finish()

    def _begin(self, run: Run) -> None:
        self._opened.add(run.path.resolve())
        if not self._targets:
            return
        try:
            remember(run, self._targets)
        except CnnlabError as error:
            self._say(f"trackers are not written down: {error}")
        for target in self._targets:
            try:
                self._followers.append(Follower(run, target))
            except Exception as error:
                self._lost(run.path, target, error)
        self._each(Follower.sync)

    def _each(self, action: Callable[[Follower], None]) -> None:
        """Do it with every tracker that has not failed."""
        for follower in list(self._followers):
            try:
                action(follower)
            except Exception as error:
                self._followers.remove(follower)
                self._lost(follower.run.path, follower.target, error)
        self._sent_at = time.monotonic()

    def _finish(self) -> None:
        """Send the end of the run, and say where it stands."""
        self._each(Follower.finish)
        for follower in self._followers:
            self._say(f"{follower.target.name}: {follower.place}; look at it: {follower.look}")
        self._followers = []

    def _lost(self, run: Path, target: Target, error: Exception) -> None:
        """Say, in one line, that a tracker is left out and how to send the run afterwards."""
        said = str(error) or type(error).__name__
        self._say(
            f"{said}; nothing more is sent to {target.name}; training is not touched; "
            f"afterwards: {command_line('track', run)} {target.options()}"
        )

    def _say(self, line: str) -> None:
        self._watch(Notice(" ".join(line.split())))
