"""Work as a person watches it: training as a bar an epoch, or a line where there is no terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING

from cnnlab.cli.output import note

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from cnnlab.training.events import BatchDone, EpochDone, Event, RateTried

__all__ = ["TrainingDisplay", "counting"]


def _epoch_line(event: EpochDone) -> str:
    record = event.record
    place = f"epoch {record['epoch']}/{event.epochs}"
    if event.stages > 1:
        place = f"stage {record['stage']}/{event.stages} {place}"
    parts = [f"train {record['train_accuracy']:.4f} (loss {record['train_loss']:.4f})"]
    parts += [
        f"{name} {record[f'{name}_accuracy']:.4f} (loss {record[f'{name}_loss']:.4f})"
        for name in ("inner", "validation")
        if f"{name}_accuracy" in record
    ]
    best = "  best" if event.best else ""
    speed = f"{event.seconds:.1f} s, {event.images_per_second:,.0f} images/s"
    return f"{place}  {'  '.join(parts)}  {speed}{best}"


class TrainingDisplay(AbstractContextManager["TrainingDisplay"]):
    """Shows training events on standard error; call it with each event."""

    def __init__(self) -> None:
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._noted: set[str] = set()

    def __enter__(self) -> TrainingDisplay:
        if sys.stderr.isatty():
            self._bar = _make_bar()
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, event: Event) -> None:
        """Show one event."""
        from cnnlab.training.events import BatchDone, EpochDone, Notice, RateTried

        if isinstance(event, BatchDone):
            self._show_batch(event)
        elif isinstance(event, RateTried):
            self._show_rate(event)
        elif isinstance(event, Notice):
            self._note(event.text)
        elif isinstance(event, EpochDone):
            self._say(_epoch_line(event))

    def _note(self, text: str) -> None:
        """Say it once: a plan and the training that it is for read the same images."""
        if text not in self._noted:
            self._noted.add(text)
            self._say(text)

    def _say(self, line: str) -> None:
        if self._bar is None:
            note(line)
        else:
            self._bar.console.print(line, markup=False, highlight=False, soft_wrap=True)

    def _show_batch(self, event: BatchDone) -> None:
        stage = f"stage {event.stage}/{event.stages} " if event.stages > 1 else ""
        done = event.step == event.steps
        self._move_bar(
            f"{stage}epoch {event.epoch}/{event.epochs}",
            0 if done else event.step,
            event.steps,
            f"loss {event.loss:.4f}  accuracy {event.accuracy:.4f}  "
            f"{event.images_per_second:,.0f} images/s",
        )

    def _show_rate(self, event: RateTried) -> None:
        figures = f"rate {event.rate:.1e}  loss {event.loss:.4f}"
        self._move_bar("learning rate", event.step, event.steps, figures)

    def _move_bar(self, description: str, completed: int, total: int, figures: str) -> None:
        if self._bar is None:
            return
        if self._task is None:
            self._task = self._bar.add_task("", total=total, figures="")
        self._bar.update(
            self._task, description=description, completed=completed, total=total, figures=figures
        )


@contextmanager
def counting(description: str, things: str) -> Iterator[Callable[[int, int], None]]:
    """Yield what is to be called with how many are done, and of how many: a bar on a terminal.

    Where there are other ones to do on the way, of another number, these have a bar of their own.
    """
    bar = _make_bar() if sys.stderr.isatty() else None
    tasks: dict[int, tuple[TaskID, float]] = {}

    def show(done: int, total: int) -> None:
        if bar is None:
            return
        if total not in tasks:  # only now: what was said before stands above
            tasks[total] = (bar.add_task(description, total=total, figures=""), time.monotonic())
            bar.start()
        task, began = tasks[total]
        speed = done / max(time.monotonic() - began, 1e-3)
        bar.update(task, completed=done, figures=f"{speed:,.0f} {things}/s")

    try:
        yield show
    finally:
        if bar is not None:
            bar.stop()


def _make_bar() -> Progress:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[figures]}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
