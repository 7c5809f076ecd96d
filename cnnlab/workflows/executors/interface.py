"""What runs many trainings for somebody: the jobs, how each ended, and who can be asked to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from cnnlab.config import RunConfig
from cnnlab.errors import CnnlabError
from cnnlab.registry import Registry
from cnnlab.training.events import Watcher, unwatched

__all__ = ["EXECUTORS", "Executor", "Factory", "Job", "JobEnd", "OnEnd", "OnEpoch", "never_stop"]


@dataclass(frozen=True)
class Job:
    """One training to be done.

    Attributes
    ----------
    config: resolved; its name is the run's.
    runs: the folder of run directories.
    group: what goes into a new run's ``group.json``.
    """

    config: RunConfig
    runs: Path
    group: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        if self.config.name is None:
            raise ValueError("a job's configuration needs the name of its run")

    @property
    def name(self) -> str:
        """The run's name."""
        return str(self.config.name)

    @property
    def path(self) -> Path:
        """The run directory, there or not."""
        return self.runs / self.name


@dataclass(frozen=True)
class JobEnd:
    """How a job ended.

    Attributes
    ----------
    outcome: done (the run has ended, and its validation split is evaluated); failed (it diverged,
        or met another error of ours); stopped (``on_epoch`` asked for it: the run is saved, and
        unfinished).
    said: one line for people, "" when done.
    error: what it failed of, for who would rather raise it.
    """

    job: Job
    outcome: Literal["done", "failed", "stopped"]
    said: str = ""
    error: CnnlabError | None = None


#: Takes a line of ``metrics.jsonl``; True stops this training after that epoch.
OnEpoch = Callable[[Job, Mapping[str, Any]], bool]
OnEnd = Callable[[JobEnd], None]


def never_stop(job: Job, record: Mapping[str, Any]) -> bool:
    """An ``on_epoch`` for trainings that go on to their end."""
    del job, record
    return False


class Executor(Protocol):
    """Does jobs, one after the other or many at a time."""

    @property
    def slots(self) -> int:
        """Trainings at the same time, at most."""

    def run(self, next_job: Callable[[], Job | None], on_epoch: OnEpoch, on_end: OnEnd) -> None:
        """Do what ``next_job`` gives until it gives None and everything has ended.

        All callbacks come in the caller's thread. Within a call, each epoch is told once, and
        training waits for the answer, so that a training that is stopped ends with the epoch that
        decided about it. A job whose run directory exists goes on from its checkpoint, and epochs
        from before it are not told again; one that has ended is done at once.

        An exception of a callback, and :class:`cnnlab.errors.Interrupted` after Ctrl-C or TERM,
        pass through after the trainings under way were asked to save a checkpoint and have ended.
        """


class Factory(Protocol):
    """Makes an executor.

    ``workers`` is how many trainings run at the same time and ``gpus`` how many GPUs each gets, a
    share of one, too; None leaves both to what there is. ``address`` is a cluster's. ``watch`` is
    told what people may want to see: in this process training's own events, elsewhere a line for
    each epoch and what became of workers. Raises :class:`cnnlab.errors.InputError` for what the
    executor does not take.
    """

    def __call__(
        self,
        workers: int | None,
        address: str | None,
        gpus: float | None,
        watch: Watcher = unwatched,
    ) -> Executor: ...


#: By the name that ``--executor`` takes.
EXECUTORS: Registry[Factory] = Registry("executor")
