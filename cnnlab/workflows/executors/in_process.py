"""The executor ``in-process``: one training after the other, here."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from cnnlab.errors import ConfigError
from cnnlab.training.events import Watcher, unwatched
from cnnlab.workflows.executors.interface import EXECUTORS, Job, OnEnd, OnEpoch
from cnnlab.workflows.executors.work import work

__all__ = ["InProcess"]


class InProcess:
    """Trains in the caller's process and thread; ``watch`` gets training's own events."""

    slots = 1

    def __init__(self, watch: Watcher = unwatched) -> None:
        self._watch = watch

    def run(self, next_job: Callable[[], Job | None], on_epoch: OnEpoch, on_end: OnEnd) -> None:
        """See :meth:`cnnlab.workflows.executors.interface.Executor.run`."""
        while (job := next_job()) is not None:
            on_end(work(job, partial(on_epoch, job), self._watch))


@EXECUTORS.register("in-process")
def in_process(
    workers: int | None, address: str | None, gpus: float | None, watch: Watcher = unwatched
) -> InProcess:
    """Make one; :class:`ConfigError` where it is to do what it cannot."""
    given = {"--workers": workers not in (None, 1), "--address": address, "--gpus": gpus}
    for option, value in given.items():
        if value:
            raise ConfigError(
                "the executor in-process trains one after the other, here",
                where=option,
                todo=f"take another with --executor, or leave {option} out",
            )
    return InProcess(watch)
