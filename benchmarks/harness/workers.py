"""Processes that do one job each: in this Python or in another."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cnnlab.errors import FailedError
from cnnlab.files import write_json
from harness.records import Record

__all__ = ["Work", "run_together", "start"]

_SCRIPTS = Path(__file__).parents[1]
_POLL_SECONDS = 0.2


@dataclass(frozen=True)
class Work:
    """A process under way; what it prints goes to ``log``, its answer to ``answer``."""

    process: subprocess.Popen[bytes]
    log: Path
    answer: Path

    def result(self) -> Record:
        """Wait for the end and return the answer; :class:`FailedError` where there is none."""
        if self.process.wait() != 0:
            lines = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            raise FailedError(lines[-1] if lines else "a worker stopped", where=self.log)
        return dict(json.loads(self.answer.read_text(encoding="utf-8")))


def start(
    script: str,
    job: Mapping[str, Any],
    folder: Path,
    name: str,
    *,
    python: Path = Path(sys.executable),
    environment: Mapping[str, str],
) -> Work:
    """Run one of the scripts of ``benchmarks/`` on a job.

    ``folder`` receives ``NAME.job.json``, ``NAME.log`` and ``NAME.answer.json``.
    """
    answer, log = folder / f"{name}.answer.json", folder / f"{name}.log"
    task = folder / f"{name}.job.json"
    write_json(task, {**job, "answer": str(answer.absolute())})
    answer.unlink(missing_ok=True)
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [python, _SCRIPTS / script, task.absolute()],
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            env={**os.environ, **environment},
        )
    return Work(process, log, answer)


def run_together(
    starts: Sequence[Callable[[], Work]], jobs: int, done: Callable[[int, Record], None]
) -> None:
    """Run ``jobs`` of the works at a time, in order; ``done(index, answer)`` after each.

    The first one that fails, or an interrupt, stops the others too.
    """
    waiting = list(enumerate(starts))
    running: list[tuple[int, Work]] = []
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                index, begin = waiting.pop(0)
                running.append((index, begin()))
            time.sleep(_POLL_SECONDS)
            for index, work in [item for item in running if item[1].process.poll() is not None]:
                running.remove((index, work))
                done(index, work.result())
    finally:
        _stop(work for _, work in running)


def _stop(works: Iterable[Work]) -> None:
    for work in works:
        work.process.terminate()
        work.process.wait()
