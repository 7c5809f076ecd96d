"""What runs on a Ray cluster: one job, in its folder of runs or in one that is sent back."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping
from dataclasses import astuple, replace
from importlib import import_module
from pathlib import Path
from typing import Any

from cnnlab.errors import Interrupted
from cnnlab.runs import Run
from cnnlab.training.checkpoint import last_checkpoints
from cnnlab.training.events import Event, Notice, Watcher
from cnnlab.workflows.executors.folders import own_folder
from cnnlab.workflows.executors.interface import Job
from cnnlab.workflows.executors.messages import Message, end_to, job_from, unexpected
from cnnlab.workflows.executors.transfer import Arrival, Departure
from cnnlab.workflows.executors.work import work
from cnnlab.workflows.executors.worker import await_unlocked

__all__ = ["train_on_ray"]

#: How often it is asked whether to end, and looked for a checkpoint to send.
_LOOK_SECONDS = 1.0
_FOLDER = "cnnlab-ray-job"


def train_on_ray(message: Message, key: str, mailbox: Any) -> None:
    """Do a job, and write through the mailbox what happens.

    ``message`` is the job, with ``token``, the name of a file in its folder of runs: where that is
    found, the folder is shared, and training happens in it. Elsewhere it happens in a temporary
    one; what is there already is asked for, and the run directory is sent back.
    """
    if message["offline"]:
        os.environ["CNNLAB_OFFLINE"] = "1"
    wanted = job_from(message)
    desk = _Desk(key, mailbox)
    desk.send("at", {"process": os.getpid(), "host": socket.gethostname()})
    if (wanted.runs / message["token"]).exists():
        desk.send(*_outcome(wanted, desk))
        return
    with own_folder(_FOLDER) as folder:
        job = replace(wanted, runs=folder)
        desk.fetch_run(job)
        kind, content = _outcome(job, desk)
        if (job.path / "config.yaml").exists():  # else it did not come so far as to have a run
            desk.send_run()
        # What it says of its folder holds of the one at home.
        desk.send(kind, _moved(content, str(folder), str(wanted.runs)))


def _outcome(job: Job, desk: _Desk) -> tuple[str, Message]:
    """Train, and the kind and content of the last letter."""
    await_unlocked(job)
    try:
        return "end", end_to(work(job, desk.epoch, desk.watcher(job)))
    except Interrupted as error:
        return "interrupted", {"exit_code": error.exit_code}
    except Exception as error:
        if isinstance(error, import_module("ray").exceptions.RayError):
            raise  # whoever would read of it is gone
        return "end", end_to(unexpected(job, error))


def _moved(content: Any, old: str, new: str) -> Any:
    if isinstance(content, dict):
        return {key: _moved(value, old, new) for key, value in content.items()}
    return content.replace(old, new) if isinstance(content, str) else content


class _Desk:
    """Where a task writes its letters."""

    def __init__(self, key: str, mailbox: Any) -> None:
        self._ray: Any = import_module("ray")
        self._key, self._mailbox = key, mailbox
        self._departure: Departure | None = None
        self._looked = 0.0
        self._sent_at = 0.0
        self._sent: list[Path] = []

    def send(self, kind: str, content: Any) -> None:
        """Send a letter; wait until there is room for it."""
        self._ray.get(self._mailbox.send.remote((kind, self._key, content)))

    def _ask(self, kind: str, content: Any) -> Any:
        return self._ray.get(self._mailbox.ask.remote((kind, self._key, content)))

    def epoch(self, record: Mapping[str, Any]) -> bool:
        """Tell of an epoch, and wait until it is said whether to stop."""
        return bool(self._ask("epoch", dict(record)))

    def fetch_run(self, job: Job) -> None:
        """Fetch what there is of the run at home, to go on with it."""
        arrival = Arrival(job.path)
        sizes, pieces = self._ask("run", None)
        for piece in pieces:
            arrival.take(self._ray.get(piece))
        if sizes:
            arrival.put_in_place(sizes)
        self._departure = Departure(job.path)
        self._departure.note()

    def send_run(self) -> None:
        """Send home what has changed of the run."""
        if self._departure is None:
            return
        for piece in self._departure.pieces():
            self.send("piece", astuple(piece))
        self.send("whole", self._departure.manifest())

    def watcher(self, job: Job) -> Watcher:
        """What watches a training: for a wish to end, and for checkpoints to send home."""

        def watch(event: Event) -> None:
            if isinstance(event, Notice):
                self.send("notice", event.text)
                return
            now = time.monotonic()
            if now - self._looked < _LOOK_SECONDS:
                return
            self._looked = now
            run = Run(job.path)
            if self._ray.get(self._mailbox.stopping.remote()):
                run.stop_file.touch()
            if self._departure is not None:
                self._send_checkpoint(run, job.config.training.checkpoint_every_seconds, now)

        return watch

    def _send_checkpoint(self, run: Run, every_seconds: float, now: float) -> None:
        """Send the run home at first, and then its checkpoints as often as these are due."""
        newest = last_checkpoints(run)[:1]
        if self._sent_at and (newest == self._sent or now - self._sent_at < every_seconds):
            return
        self.send_run()
        self._sent, self._sent_at = newest, now
