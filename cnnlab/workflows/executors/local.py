"""The executor ``local``: worker processes, each with cores, and a GPU, of this machine."""

from __future__ import annotations

import selectors
from collections.abc import Callable
from dataclasses import replace

from cnnlab.errors import ConfigError
from cnnlab.machine import usable_cores
from cnnlab.training.events import Watcher, unwatched
from cnnlab.workflows.executors.course import Course
from cnnlab.workflows.executors.crew import (
    Died,
    Ended,
    EpochEnded,
    Event,
    Said,
    WasInterrupted,
    conduct,
)
from cnnlab.workflows.executors.interface import EXECUTORS, Job, OnEnd, OnEpoch
from cnnlab.workflows.executors.messages import Message, end_from, job_to
from cnnlab.workflows.executors.process import WorkerProcess
from cnnlab.workflows.executors.room import (
    Room,
    check_numbers,
    needs_gpu,
    places_for,
    visible_gpus,
    with_threads,
)

__all__ = ["Local"]

#: How long a process that has closed its output may take to be gone.
_GRACE_SECONDS = 5.0


class Local:
    """Trains in worker processes of this machine.

    A training that says no number of threads gets the cores, divided by the slots; one that does
    gets as many cores as threads, and waits until these are free.
    """

    def __init__(
        self,
        workers: int | None = None,
        gpus: float | None = None,
        watch: Watcher = unwatched,
    ) -> None:
        check_numbers(workers, gpus)
        cores, why = usable_cores()
        share = 1.0 if gpus is None else gpus
        self.slots, self._share = places_for(workers, share, cores, len(visible_gpus()), why=why)
        self._threads = max(cores // self.slots, 1)
        self._watch = watch

    def run(self, next_job: Callable[[], Job | None], on_epoch: OnEpoch, on_end: OnEnd) -> None:
        """See :meth:`cnnlab.workflows.executors.interface.Executor.run`."""
        crew = _LocalCrew(Room.here(), self._threads, self._share)
        try:
            conduct(crew, self.slots, next_job, on_epoch, on_end, self._watch)
        finally:
            crew.close()


class _LocalCrew:
    """Worker processes; one that has done its job waits on its seat for the next."""

    def __init__(self, room: Room, threads: int, share: float) -> None:
        self._room, self._threads, self._share = room, threads, share
        self._cores = len(room.cores)
        self._busy: dict[Course, WorkerProcess] = {}
        self._idle: list[WorkerProcess] = []
        self._news: list[Event] = []

    @property
    def busy(self) -> bool:
        """See :attr:`cnnlab.workflows.executors.crew.Crew.busy`."""
        return bool(self._busy)

    def start(self, course: Course) -> bool:
        """See :meth:`cnnlab.workflows.executors.crew.Crew.start`."""
        job = with_threads(course.job, self._threads)
        # More threads than cores are slower, and give the bytes that were asked for.
        cores = min(job.config.threads or self._threads, self._cores)
        worker = self._worker(cores, self._share if needs_gpu(job.config) else 0.0)
        if worker is None:
            return False
        self._busy[course] = worker
        worker.send(job_to(replace(job, runs=job.runs.absolute())))
        self._news.append(Said(course, f"trained by process {worker.pid} on {worker.seat}"))
        return True

    def _worker(self, cores: int, share: float) -> WorkerProcess | None:
        """A worker that waits on such a seat, or a new one."""
        for worker in self._idle:
            if (len(worker.seat.cores), worker.seat.share) == (cores, share):
                self._idle.remove(worker)
                return worker
        seat = self._room.take(cores, share)
        while seat is None and self._idle:
            self._dismiss(self._idle.pop())
            seat = self._room.take(cores, share)
        return None if seat is None else WorkerProcess(seat)

    def _dismiss(self, worker: WorkerProcess, *, grace_seconds: float = 0.0) -> str:
        how = worker.end(grace_seconds=grace_seconds)
        self._room.give_back(worker.seat)
        return how

    def events(self, seconds: float) -> list[Event]:
        """See :meth:`cnnlab.workflows.executors.crew.Crew.events`."""
        found, self._news = self._news, []
        with selectors.DefaultSelector() as selector:
            for worker in self._busy.values():
                selector.register(worker, selectors.EVENT_READ)
            ready = [key.fileobj for key, _ in selector.select(seconds)]
        for course, worker in list(self._busy.items()):
            if worker in ready:
                found += self._listen(course, worker)
            elif worker.is_gone:
                found.append(self._lost(course, worker))
        return found

    def _listen(self, course: Course, worker: WorkerProcess) -> list[Event]:
        messages, gone = worker.messages()
        found = [self._event(course, worker, message) for message in messages]
        if gone and course in self._busy:
            found.append(self._lost(course, worker))
        return found

    def _event(self, course: Course, worker: WorkerProcess, message: Message) -> Event:
        kind = message["kind"]
        if kind == "epoch":
            return EpochEnded(course, message["record"])
        if kind == "notice":
            return Said(course, message["text"])
        del self._busy[course]
        if kind == "interrupted":
            self._dismiss(worker, grace_seconds=_GRACE_SECONDS)
            return WasInterrupted(course, int(message["exit_code"]))
        self._idle.append(worker)
        return Ended(course, end_from(course.job, message))

    def _lost(self, course: Course, worker: WorkerProcess) -> Died:
        del self._busy[course]
        return Died(course, self._dismiss(worker, grace_seconds=_GRACE_SECONDS))

    def answer(self, course: Course, *, stop: bool) -> None:
        """See :meth:`cnnlab.workflows.executors.crew.Crew.answer`."""
        if course in self._busy:  # else it died while it waited
            self._busy[course].send({"stop": stop})

    def ask_to_stop(self) -> None:
        """See :meth:`cnnlab.workflows.executors.crew.Crew.ask_to_stop`."""
        for worker in [*self._busy.values(), *self._idle]:
            worker.ask_to_stop()

    def close(self) -> None:
        """End every process that is still there."""
        for worker in [*self._busy.values(), *self._idle]:
            worker.end()


@EXECUTORS.register("local")
def local(
    workers: int | None, address: str | None, gpus: float | None, watch: Watcher = unwatched
) -> Local:
    """Make one; :class:`ConfigError` for an address."""
    if address is not None:
        raise ConfigError(
            "the executor local trains on this machine",
            where="--address",
            todo="take --executor ray for a cluster, or leave --address out",
        )
    return Local(workers, gpus, watch)
