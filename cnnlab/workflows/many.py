"""Many trainings that are known from the start: several seeds, a grid of settings."""

from __future__ import annotations

from collections.abc import Sequence

from cnnlab.errors import DivergedError, Interrupted
from cnnlab.evaluation.evaluate import evaluation_of
from cnnlab.runs import open_run
from cnnlab.training.events import Notice, Watcher
from cnnlab.workflows.executors import Executor, Job, JobEnd, never_stop
from cnnlab.workflows.train import Trained

__all__ = ["train_all"]


def train_all(
    jobs: Sequence[Job], executor: Executor, watch: Watcher
) -> tuple[list[Trained], list[str]]:
    """Train each, in the order of ``jobs``; return the runs and what the failed ones said.

    What has ended is left as it is, what was cut off goes on. A training that diverges has no
    validation, and the others go on; any other error ends them, and is raised. So is
    ``Interrupted``, with what to do about it.
    """
    ends: dict[str, JobEnd] = {}
    waiting = iter(enumerate(jobs, start=1))

    def next_job() -> Job | None:
        number, job = next(waiting, (None, None))
        if job is not None:
            watch(Notice(f"{job.name} ({number} of {len(jobs)})"))
        return job

    def end(one: JobEnd) -> None:
        ends[one.job.name] = one
        if one.error is not None and not isinstance(one.error, DivergedError):
            raise one.error

    try:
        executor.run(next_job, never_stop, end)
    except Interrupted as error:
        raise Interrupted(
            error.what,
            exit_code=error.exit_code,
            todo="go on with the same command again: what has ended is left as it is",
        ) from None
    return _trained(jobs, ends), _failures(jobs, ends)


def _trained(jobs: Sequence[Job], ends: dict[str, JobEnd]) -> list[Trained]:
    trained = []
    for job in jobs:
        run, done = open_run(job.path), ends[job.name].outcome == "done"
        trained.append(Trained(run, evaluation_of(run, "validation") if done else None))
    return trained


def _failures(jobs: Sequence[Job], ends: dict[str, JobEnd]) -> list[str]:
    failed = [ends[job.name] for job in jobs if ends[job.name].outcome != "done"]
    return [f"{one.job.name}: {one.said}" for one in failed]
