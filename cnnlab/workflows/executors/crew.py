"""Conducting workers that train at the same time, wherever these are."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from cnnlab.errors import Interrupted
from cnnlab.training.events import Notice, Watcher
from cnnlab.training.signals import StopRequest
from cnnlab.workflows.executors.course import Course
from cnnlab.workflows.executors.interface import Job, JobEnd, OnEnd, OnEpoch

__all__ = ["Crew", "Died", "Ended", "EpochEnded", "Event", "Said", "WasInterrupted", "conduct"]

#: How long workers are listened to before signals are looked for again.
_TICK_SECONDS = 0.2

#: How long a worker that was asked to stop may take: a step, and a checkpoint.
_PATIENCE_SECONDS = 60.0


@dataclass(frozen=True)
class EpochEnded:
    """A worker has ended an epoch, and waits for :meth:`Crew.answer`."""

    course: Course
    record: Mapping[str, Any]


@dataclass(frozen=True)
class Said:
    """A line for people."""

    course: Course
    text: str


@dataclass(frozen=True)
class Ended:
    """A job has come to its end."""

    course: Course
    end: JobEnd


@dataclass(frozen=True)
class WasInterrupted:
    """A worker was asked to stop, and saved what it had."""

    course: Course
    exit_code: int


@dataclass(frozen=True)
class Died:
    """A worker is gone, its job is not done."""

    course: Course
    how: str


Event = EpochEnded | Said | Ended | WasInterrupted | Died


class Crew(Protocol):
    """Workers of one kind."""

    @property
    def busy(self) -> bool:
        """Whether any of them has a job."""

    def start(self, course: Course) -> bool:
        """Begin, or go on with, a job; False where there is no room until another has ended."""

    def events(self, seconds: float) -> list[Event]:
        """What happened; wait for so long where nothing has."""

    def answer(self, course: Course, *, stop: bool) -> None:
        """Answer a worker that ended an epoch."""

    def ask_to_stop(self) -> None:
        """Ask every worker to save a checkpoint and end."""


def conduct(
    crew: Crew,
    slots: int,
    next_job: Callable[[], Job | None],
    on_epoch: OnEpoch,
    on_end: OnEnd,
    watch: Watcher,
) -> None:
    """Do all jobs with a crew; see :meth:`cnnlab.workflows.executors.interface.Executor.run`."""
    flow = _Flow(crew, slots, next_job, on_epoch, on_end, watch)
    with StopRequest() as stop:
        try:
            while flow.fill():
                for event in crew.events(_TICK_SECONDS):
                    flow.take(event)
                if stop.asked:
                    raise _interrupted(stop.exit_code)
        except BaseException:
            flow.wind_down()
            raise


def _interrupted(exit_code: int) -> Interrupted:
    return Interrupted(
        "interrupted; what was being trained is saved up to its last step",
        exit_code=exit_code,
        todo="go on with the same command again: what has ended is left as it is",
    )


class _Flow:
    """The jobs under way in one call."""

    def __init__(
        self,
        crew: Crew,
        slots: int,
        next_job: Callable[[], Job | None],
        on_epoch: OnEpoch,
        on_end: OnEnd,
        watch: Watcher,
    ) -> None:
        self._crew, self._slots, self._next_job = crew, slots, next_job
        self._on_epoch, self._on_end, self._watch = on_epoch, on_end, watch
        self._busy: set[Course] = set()
        self._waiting: list[Course] = []
        self._over = False

    def fill(self) -> bool:
        """Start what there is room for; False when all is done."""
        while len(self._busy) < self._slots:
            course = self._waiting.pop(0) if self._waiting else self._next()
            if course is None:
                break
            if not self._crew.start(course):
                self._waiting.insert(0, course)
                break
            self._busy.add(course)
        return bool(self._busy or self._waiting)

    def _next(self) -> Course | None:
        if self._over:
            return None
        job = self._next_job()
        self._over = job is None
        return None if job is None else Course(job, self._on_epoch)

    def take(self, event: Event) -> None:
        """Do what an event asks for."""
        course = event.course
        if isinstance(event, EpochEnded):
            if course.is_news(event.record):
                self._say(course, _epoch_line(event.record))
            self._crew.answer(course, stop=course.epoch(event.record))
        elif isinstance(event, Said):
            self._say(course, event.text)
        else:
            self._busy.discard(course)
            self._take_end(event)

    def _take_end(self, event: Ended | WasInterrupted | Died) -> None:
        if isinstance(event, WasInterrupted):
            raise _interrupted(event.exit_code)
        if isinstance(event, Ended):
            self._on_end(event.end)
            return
        end = event.course.died(event.how)
        if end is not None:
            self._on_end(end)
            return
        self._say(event.course, f"its worker died ({event.how}); another goes on with it")
        self._waiting.append(event.course)

    def _say(self, course: Course, text: str) -> None:
        self._watch(Notice(f"{course.job.name}: {text}"))

    def wind_down(self) -> None:
        """Let every worker save what it has and end, as far as that comes in time."""
        self._crew.ask_to_stop()
        end = time.monotonic() + _PATIENCE_SECONDS
        while self._crew.busy and time.monotonic() < end:
            for event in self._crew.events(_TICK_SECONDS):
                if isinstance(event, EpochEnded):
                    self._crew.answer(event.course, stop=True)


def _epoch_line(record: Mapping[str, Any]) -> str:
    place = f"epoch {record['epoch']}"
    if record["stage"] > 1:
        place = f"stage {record['stage']}, {place}"
    parts = [
        f"{name} {record[f'{name}_accuracy']:.4f} (loss {record[f'{name}_loss']:.4f})"
        for name in ("train", "inner", "validation")
        if f"{name}_accuracy" in record
    ]
    return f"{place}  {'  '.join(parts)}"
