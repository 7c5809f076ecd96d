"""Processes that try inputs one after the other, and a parent that watches the clock."""

from __future__ import annotations

import multiprocessing
import resource
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path

from harness.records import Record

from fuzzing.families import FAMILIES
from fuzzing.trial import try_input

__all__ = ["DEADLINE_SECONDS", "Job", "run_jobs"]

#: Format, seed, number.
Job = tuple[str, int, int]

#: An input that takes longer is a hang.
DEADLINE_SECONDS = 5.0
#: Until cnnlab begins: imports, the first files of a format.
_PREPARING_SECONDS = 120.0
#: Address space of a worker: far above the limit, and below what would stop the machine.
_ADDRESS_BYTES = 16 << 30
#: So many inputs a process, so that a slow leak is not taken for an input's own need.
_INPUTS_A_PROCESS = 2_000


def serve(pipe: Connection, place: str) -> None:
    """Try what the parent asks for until it asks for nothing."""
    resource.setrlimit(resource.RLIMIT_AS, (_ADDRESS_BYTES, _ADDRESS_BYTES))
    with suppress(EOFError, KeyboardInterrupt):
        while (job := pipe.recv()) is not None:
            name, seed, number = job
            family = FAMILIES[name]
            family.warm()
            record = try_input(family, seed, number, Path(place), lambda: pipe.send("begun"))
            pipe.send(record)


@dataclass
class _Worker:
    process: BaseProcess
    pipe: Connection
    place: Path
    job: Job | None = None
    since: float = 0.0
    begun: bool = False
    done: int = 0

    @classmethod
    def start(cls, place: Path) -> _Worker:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=serve, args=(theirs, str(place)), daemon=True)
        process.start()
        theirs.close()
        return cls(process, ours, place)

    def give(self, job: Job) -> None:
        self.job, self.since, self.begun = job, time.monotonic(), False
        self.pipe.send(job)

    @property
    def late(self) -> bool:
        allowed = DEADLINE_SECONDS if self.begun else _PREPARING_SECONDS
        return self.job is not None and time.monotonic() - self.since > allowed

    def answer(self) -> Record | None:
        """What it says; a record that says that it died where it says nothing any more."""
        try:
            said = self.pipe.recv()
        except (EOFError, OSError):
            self.process.join(5)
            return self.lost("died", f"exit code {self.process.exitcode}")
        if said == "begun":
            self.begun, self.since = True, time.monotonic()
            return None
        return dict(said)

    def lost(self, outcome: str, said: str) -> Record:
        assert self.job is not None
        name, seed, number = self.job
        ms = 1000 * (time.monotonic() - self.since)
        facts = {"format": name, "seed": seed, "number": number, "outcome": outcome}
        return {**facts, "error": "", "said": said, "what": "", "ms": round(ms), "mb": 0}

    def stop(self) -> None:
        self.process.kill()
        self.process.join()
        self.pipe.close()
        shutil.rmtree(self.place, ignore_errors=True)


def run_jobs(
    jobs: Iterable[Job], workers: int, place: Path, keep: Callable[[Record], None]
) -> None:
    """Try every job in one of ``workers`` processes; ``keep`` gets each record as it comes."""
    left = iter(jobs)
    team: list[_Worker] = []
    try:
        for number in range(workers):
            team.append(_Worker.start(place / f"worker-{number}"))
            _next(team[-1], left)
        while any(worker.job is not None for worker in team):
            _step(team, left, keep)
    finally:
        for worker in team:
            worker.stop()


def _next(worker: _Worker, left: Iterator[Job]) -> None:
    job = next(left, None)
    worker.job = None
    if job is not None:
        worker.give(job)


def _step(team: list[_Worker], left: Iterator[Job], keep: Callable[[Record], None]) -> None:
    """Wait for any of them; take up what it says, and end those that are late."""
    busy = {worker.pipe: worker for worker in team if worker.job is not None}
    ready = {id(pipe) for pipe in wait(list(busy), timeout=0.2)}
    for pipe, worker in busy.items():
        record = worker.answer() if id(pipe) in ready else None
        if record is None and worker.late:
            record = worker.lost("hang" if worker.begun else "died", "no answer in time")
        if record is None:
            continue
        keep(record)
        worker.done += 1
        fresh = worker.done >= _INPUTS_A_PROCESS
        if fresh or record["outcome"] in ("hang", "died", "memory"):
            worker.stop()
            team[team.index(worker)] = worker = _Worker.start(worker.place)
        _next(worker, left)
