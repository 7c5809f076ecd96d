"""Tasks on a Ray cluster as a crew: letters become events, run directories come home."""

from __future__ import annotations

import os
import secrets
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

from cnnlab.data import SOURCES
from cnnlab.errors import FailedError
from cnnlab.files import expanded, storage_errors
from cnnlab.models import MODELS
from cnnlab.workflows.executors import ray_mailbox
from cnnlab.workflows.executors.course import Course
from cnnlab.workflows.executors.crew import (
    Died,
    Ended,
    EpochEnded,
    Event,
    Said,
    WasInterrupted,
)
from cnnlab.workflows.executors.folders import clear_abandoned
from cnnlab.workflows.executors.interface import Job
from cnnlab.workflows.executors.messages import end_from, job_to
from cnnlab.workflows.executors.ray_mailbox import Letter, Mailbox
from cnnlab.workflows.executors.ray_task import train_on_ray
from cnnlab.workflows.executors.room import needs_gpu, with_threads
from cnnlab.workflows.executors.transfer import ARRIVING, Arrival, Departure, Piece

__all__ = ["RayCrew"]

#: How long letters may take to be delivered before the cluster counts as lost.
_LOST_SECONDS = 60.0


class RayCrew:
    """Tasks of one cluster.

    Parameters
    ----------
    ray: the module, connected.
    threads: of a training that says no number.
    cores: of the smallest machine: more a task cannot have everywhere.
    share: of a GPU, for each training that runs on one.
    shared: whether folders of runs may be shared with the workers; else all is sent back.
    """

    def __init__(
        self, ray: Any, *, threads: int, cores: int, share: float, shared: bool = True
    ) -> None:
        self._ray = ray
        self._threads, self._cores, self._share = threads, cores, share
        self._token = f".shared-{secrets.token_hex(8)}"
        self._shared = shared
        self._marked: set[Path] = set()
        self._tasks: dict[str, tuple[Course, Any]] = {}
        self._arrivals: dict[str, Arrival] = {}
        self._pieces: dict[str, list[Any]] = {}
        self._begun: set[str] = set()
        self._mailbox = _mailbox_beside_us(ray)
        self._train = ray.remote(train_on_ray)

    @property
    def busy(self) -> bool:
        """See :attr:`cnnlab.workflows.executors.crew.Crew.busy`."""
        return bool(self._tasks)

    def start(self, course: Course) -> bool:
        """See :meth:`cnnlab.workflows.executors.crew.Crew.start`; the cluster finds the room."""
        job = with_threads(_with_whole_paths(course.job), self._threads)
        self._mark(job.runs)
        key = secrets.token_hex(8)
        message = {
            **job_to(job),
            "token": self._token,
            "offline": bool(os.environ.get("CNNLAB_OFFLINE")),
        }
        task = self._train.options(
            num_cpus=min(job.config.threads or self._threads, self._cores),
            num_gpus=self._share if needs_gpu(job.config) else 0,
            max_retries=0,  # who died, and whether to try again, is decided here
            name=job.name,
        ).remote(message, key, self._mailbox)
        self._tasks[key] = (course, task)
        return True

    def _mark(self, runs: Path) -> None:
        """Leave the file by which a worker knows that it sees the same folder."""
        if runs in self._marked:
            return
        with storage_errors(runs):
            runs.mkdir(parents=True, exist_ok=True)
            clear_abandoned(ARRIVING, runs)
            if self._shared:
                (runs / self._token).touch()
        self._marked.add(runs)

    def events(self, seconds: float) -> list[Event]:
        """See :meth:`cnnlab.workflows.executors.crew.Crew.events`."""
        try:
            return self._events(seconds)
        except self._ray.exceptions.RayError as error:
            said = " ".join(str(error).split())[:300]
            raise FailedError(
                f"the Ray cluster was lost: {said}", todo="the same command again goes on"
            ) from error

    def _events(self, seconds: float) -> list[Event]:
        tasks = [task for _, task in self._tasks.values()]
        # Whoever has ended before we look has put all letters in before we take them.
        ended = self._ray.wait(tasks, num_returns=len(tasks), timeout=0)[0] if tasks else []
        taken = self._mailbox.take.remote(0.001 if ended else seconds)
        letters = self._ray.get(taken, timeout=seconds + _LOST_SECONDS)
        found = [event for letter in letters if (event := self._event(letter)) is not None]
        for key, (course, task) in list(self._tasks.items()):
            if task in ended:  # and no letter said how
                found.append(self._lost(key, course, task))
        return found

    def _event(self, letter: Letter) -> Event | None:
        kind, key, content = letter
        if key not in self._tasks:  # its worker was given up
            return None
        course, _ = self._tasks[key]
        event: Event | None = None
        if kind == "epoch":
            event = EpochEnded(course, content)
        elif kind == "notice":
            event = Said(course, content)
        elif kind == "at":
            self._begun.add(key)
            event = Said(course, f"trained by process {content['process']} on {content['host']}")
        elif kind == "run":
            self._mailbox.answer.remote(key, self._run_for(key, course.job))
        elif kind == "piece":
            self._arrivals.setdefault(key, Arrival(course.job.path)).take(Piece(*content))
        elif kind == "whole":
            self._pieces.pop(key, None)
            self._arrivals.setdefault(key, Arrival(course.job.path)).put_in_place(content)
        else:
            self._forget(key)
            if kind == "interrupted":
                event = WasInterrupted(course, int(content["exit_code"]))
            else:
                event = Ended(course, end_from(course.job, content))
        return event

    def _run_for(self, key: str, job: Job) -> tuple[dict[str, int], list[Any]]:
        """What there is of a run, as sizes and pieces that wait in the cluster's store."""
        departure = Departure(job.path)
        self._pieces[key] = [self._ray.put(piece) for piece in departure.pieces()]
        return departure.manifest(), self._pieces[key]

    def _lost(self, key: str, course: Course, task: Any) -> Died:
        self._forget(key)
        try:
            self._ray.get(task)
        except self._ray.exceptions.RayTaskError as error:
            how = f"it could not run there: {_last_line(error)}; is the same cnnlab on every node?"
        except self._ray.exceptions.RayError as error:
            how = f"{type(error).__name__}: {_first_sentence(error)}"
        else:
            how = "it said nothing of its end"
        return Died(course, how)

    def _forget(self, key: str) -> None:
        self._tasks.pop(key)
        self._pieces.pop(key, None)
        arrival = self._arrivals.pop(key, None)
        if arrival is not None:
            arrival.abandon()

    def answer(self, course: Course, *, stop: bool) -> None:
        """See :meth:`cnnlab.workflows.executors.crew.Crew.answer`."""
        for key, (other, _) in self._tasks.items():
            if other is course:
                self._mailbox.answer.remote(key, stop)

    def ask_to_stop(self) -> None:
        """See :meth:`cnnlab.workflows.executors.crew.Crew.ask_to_stop`.

        What still waits for room in the cluster has nothing to save; who waits for an answer,
        which may be what failed here, gets one.
        """
        self._mailbox.stop.remote()
        for key, (_, task) in self._tasks.items():
            if key in self._begun:
                self._mailbox.answer.remote(key, True)
            else:
                self._ray.cancel(task)

    def close(self) -> None:
        """Leave nothing behind: tasks, half a run, the mark of a shared folder."""
        for key, (_, task) in list(self._tasks.items()):
            self._ray.cancel(task, force=True)
            self._forget(key)
        self._ray.kill(self._mailbox)
        for runs in self._marked:
            (runs / self._token).unlink(missing_ok=True)


def _mailbox_beside_us(ray: Any) -> Any:
    """The mailbox, on the machine of whoever gives the jobs where that is of the cluster.

    Then a node that is lost takes its own tasks along, and no letters. It gets its code by value,
    and letters hold plain values, so that its process does without cnnlab, and without torch.
    """
    ray.cloudpickle.register_pickle_by_value(ray_mailbox)
    options: dict[str, Any] = {"num_cpus": 0, "max_concurrency": 1000}
    if not import_module("ray.util.client").ray.is_connected():
        strategies = import_module("ray.util.scheduling_strategies")
        here = ray.get_runtime_context().get_node_id()
        options["scheduling_strategy"] = strategies.NodeAffinitySchedulingStrategy(here, soft=True)
    return ray.remote(Mailbox).options(**options).remote()


def _with_whole_paths(job: Job) -> Job:
    """A worker stands in another folder: what is named by a path gets its whole one."""
    data, model = job.config.data.source, job.config.model.name
    return replace(
        job,
        runs=job.runs.absolute(),
        config=job.config.updated(
            data={"source": data if data in SOURCES else str(expanded(data).absolute())},
            model={"name": model if model in MODELS else str(expanded(model).absolute())},
        ),
    )


def _last_line(error: Exception) -> str:
    return next((line for line in reversed(str(error).split("\n")) if line.strip()), "").strip()


def _first_sentence(error: Exception) -> str:
    return " ".join(str(error).split()).partition(". ")[0][:200]
