"""One job done here and now, wherever that is: in the caller's process or in a worker."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cnnlab.errors import CnnlabError, DivergedError, Interrupted
from cnnlab.files import storage_errors
from cnnlab.runs import Run
from cnnlab.training.events import EpochDone, Event, Watcher, unwatched
from cnnlab.training.signals import STOP_FILE_EXIT_CODE
from cnnlab.workflows.continued import train_or_continue
from cnnlab.workflows.executors.interface import Job, JobEnd

__all__ = ["work"]


def work(
    job: Job, on_epoch: Callable[[Mapping[str, Any]], bool], watch: Watcher = unwatched
) -> JobEnd:
    """Train, or go on with, what the job says, evaluate it, and say how it ended.

    ``on_epoch`` takes a line of ``metrics.jsonl``; True stops the training there. ``Interrupted``
    by somebody else passes through, with the run saved.
    """
    record: Mapping[str, Any] | None = None

    def watch_epochs(event: Event) -> None:
        nonlocal record
        watch(event)
        if isinstance(event, EpochDone) and on_epoch(event.record):
            record = event.record
            stop_file = Run(job.path).stop_file
            with storage_errors(stop_file):
                stop_file.touch()

    try:
        _, failure = train_or_continue(job.config, job.runs, watch_epochs, group=job.group)
    except Interrupted as error:
        if record is None or error.exit_code != STOP_FILE_EXIT_CODE:
            raise
        return JobEnd(job, "stopped", f"stopped after epoch {record['epoch']}, as asked")
    except CnnlabError as error:
        return JobEnd(job, "failed", str(error), error)
    if failure:
        return JobEnd(job, "failed", failure, DivergedError(failure))
    return JobEnd(job, "done")
