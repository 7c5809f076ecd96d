"""Do executors give the same runs, however often their workers are killed?

The same few trainings are done by each executor: one after the other in this process, by two worker
processes, and on a Ray cluster of two workers, which is started here; on Ray once in the shared
folder and once with every run directory sent back, as from machines that share no disk. In the last
three a worker is killed (SIGKILL) while its training stands after its second epoch. Every run is
held against the one of this process, to the byte: metrics, weights, checkpoint, predictions::

    python benchmarks/sweep_executors.py --data digits --seeds 4 --epochs 6 --out OUT

writes OUT/executors.md and a line for each executor to OUT/executors.jsonl.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.command import measurement_options, run_command
from harness.records import Record
from harness.sessions import Session

from cnnlab.config import RunConfig
from cnnlab.errors import CheckFailed
from cnnlab.files import write_text
from cnnlab.runs import open_run
from cnnlab.training.events import Event, Notice, Watcher
from cnnlab.workflows.configure import configure
from cnnlab.workflows.executors import Executor, InProcess, Job, JobEnd, Local, OnRay
from cnnlab.workflows.same_bytes import differences

__all__ = ["main", "sweep"]

_FILE = "executors.jsonl"
_TRAINED_BY = re.compile(r"(.+): trained by process (\d+) on .+")
_KILLED_AFTER_EPOCH = 2
#: Of fastnet's blocks: small, for it is not the training that is measured.
_WIDTHS = [8, 16, 16]

#: Title, what makes the executor, and whether a worker of it is killed.
_CONTENDERS: tuple[tuple[str, Callable[[Watcher], Executor], bool], ...] = (
    ("in-process", lambda watch: InProcess(watch), False),
    ("local, 2 workers", lambda watch: Local(2, watch=watch), False),
    ("local, 2 workers, one killed", lambda watch: Local(2, watch=watch), True),
    ("ray, 2 workers, one killed", lambda watch: OnRay(2, watch=watch), True),
    (
        "ray, 2 workers, one killed, runs sent back",
        lambda watch: OnRay(2, watch=watch, shared=False),
        True,
    ),
)


@dataclass
class _Sweep:
    """Jobs done once, and what happened on the way."""

    jobs: list[Job]
    kill: bool
    ends: dict[str, JobEnd] = field(default_factory=dict)
    processes: dict[str, int] = field(default_factory=dict)
    kills: list[str] = field(default_factory=list)
    deaths: list[str] = field(default_factory=list)

    def watch(self, event: Event) -> None:
        """Note who trains what, and who died."""
        if isinstance(event, Notice):
            if found := _TRAINED_BY.fullmatch(event.text):
                self.processes[found[1]] = int(found[2])
            elif "its worker died" in event.text:
                self.deaths.append(event.text)

    def on_epoch(self, job: Job, record: Mapping[str, Any]) -> bool:
        """Kill the worker of the first training that comes so far; go on otherwise."""
        if self.kill and not self.kills and record["epoch"] == _KILLED_AFTER_EPOCH:
            self.kills.append(f"{job.name} after epoch {record['epoch']}")
            os.kill(self.processes[job.name], signal.SIGKILL)
        return False

    def run(self, executor: Executor) -> float:
        """Do them all; how long that took, in seconds, with the start of whoever works."""
        waiting = iter([*self.jobs, None])
        began = time.monotonic()
        executor.run(
            lambda: next(waiting),
            self.on_epoch,
            lambda end: self.ends.update({end.job.name: end}),
        )
        return time.monotonic() - began


def _configuration(asked: Any) -> RunConfig:
    sizes = {"train": asked.train, "validation": asked.validation} if asked.train else {}
    return configure(
        settings={
            "threads": asked.threads,
            "device": "cpu",
            "precision": "fp32",
            "data": {"source": asked.data, **sizes},
            "model": {"name": "fastnet", "params": {"widths": _WIDTHS}},
            "training": {"epochs": asked.epochs, "checkpoint_every_seconds": 1.0},
        }
    )


def sweep(config: RunConfig, seeds: int, out: Path, session: Session) -> None:
    """Do the trainings with every executor, and keep a record of each."""
    alone: Path | None = None
    for number, (title, make, kill) in enumerate(_CONTENDERS):
        runs = out / f"runs-{number}"
        shutil.rmtree(runs, ignore_errors=True)
        jobs = [Job(config.updated(name=f"seed{n}", seed=n), runs) for n in range(seeds)]
        done = _Sweep(jobs, kill)
        seconds = done.run(make(done.watch))
        alone = alone or runs
        apart = {job.name: _apart(job, alone) for job in jobs}
        session.add(
            {
                "kind": "sweep",
                "executor": title,
                "threads": config.threads,
                "trainings": seeds,
                "done": sum(end.outcome == "done" for end in done.ends.values()),
                "killed": done.kills,
                "deaths": done.deaths,
                "seconds": round(seconds, 2),
                "differences": {name: found for name, found in apart.items() if found},
            }
        )
        print(f"{title}: {seconds:.1f} s, {session.records[-1]['done']} of {seeds} done")


def _apart(job: Job, alone: Path) -> list[str]:
    return differences(open_run(job.path), open_run(alone / job.name))


def _document(records: Sequence[Record], config: RunConfig) -> str:
    machine, first = records[0]["machine"], records[0]
    rows = [
        f"| {record['executor']} | {record['done']} of {record['trainings']} | "
        f"{', '.join(record['killed']) or '-'} | {len(record['deaths'])} | "
        f"{record['trainings'] - len(record['differences'])} of {record['trainings']} | "
        f"{record['seconds']:.1f} |"
        for record in records
    ]
    versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
    return "\n".join(
        [
            f"{first['trainings']} trainings of {config.model.name} (widths {_WIDTHS}) on "
            f"{config.data.source}, {config.training.epochs} epochs, {config.threads} thread each, "
            f"seeds 0 to {first['trainings'] - 1}. *Equal*: metrics, weights, newest checkpoint "
            "and predictions of the run are the bytes of the same run trained in-process. Seconds "
            "count the start of workers and of Ray.",
            "",
            "| executor | done | killed (SIGKILL) | workers that died | equal | seconds |",
            "| :--- | ---: | :--- | ---: | ---: | ---: |",
            *rows,
            "",
            f"{machine['processor']}, {machine['cores']} cores; Python {machine['python']}; "
            f"{versions}; a load of {first['load_before']} before it began, {first['session']}.",
            "",
            "```text",
            first["command"],
            "```",
            "",
        ]
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Sweep with every executor; returns the exit code, 1 where runs differ."""
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = measurement_options(
        __doc__, data="a dataset's name or path", threads=1, out=Path("build/executors")
    )
    add = parser.add_argument
    add("--seeds", type=int, default=4)
    add("--epochs", type=int, default=6)
    add("--train", type=int, help="training images; all")
    add("--validation", type=int, help="validation images, with --train")
    asked = parser.parse_args(arguments)

    def work() -> None:
        config, file = _configuration(asked), asked.out / _FILE
        session = Session.start(file, "sweep_executors.py", arguments)
        sweep(config, asked.seeds, asked.out, session)
        text = _document(session.records, config)
        write_text(asked.out / "executors.md", text)
        print(text)
        wrong = [r for r in session.records if r["differences"] or r["done"] < r["trainings"]]
        if wrong:
            raise CheckFailed(f"{wrong[0]['executor']}: {wrong[0]['differences']}")

    return run_command("sweep_executors", work)


if __name__ == "__main__":
    sys.exit(main())
