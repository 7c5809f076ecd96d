"""Jobs done by an executor, with everything that it said written down."""

from __future__ import annotations

import io
import os
import re
import tempfile
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field

from cnnlab.training.events import Notice
from cnnlab.workflows.executors import Job


@dataclass
class Sweep:
    """Does jobs with an executor and writes everything down; ``react`` may do more at an epoch."""

    jobs: list[Job]
    react: object = None
    epochs: list[tuple[str, int]] = field(default_factory=list)
    ends: dict = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)
    log: list[str] = field(default_factory=list)

    def watch(self, event):
        if isinstance(event, Notice):
            self.notices.append(event.text)

    def next_job(self):
        job = self.jobs.pop(0) if self.jobs else None
        self.log.append(f"next {job and job.name}")
        return job

    def on_epoch(self, job, record):
        self.epochs.append((job.name, record["epoch"]))
        return bool(self.react and self.react(self, job, record))

    def on_end(self, end):
        self.ends[end.job.name] = end
        self.log.append(f"end {end.job.name}")

    def run(self, executor):
        executor.run(self.next_job, self.on_epoch, self.on_end)
        return self

    def process_of(self, name):
        """The number of the process that trains, or trained, a job."""
        said = [found[1] for text in self.notices
                if (found := re.match(rf"{name}: trained by process (\d+) on", text))]  # fmt: skip
        return int(said[-1])


def pretend_two_cores(patch):
    """A machine of two cores, whatever this is; then nobody is bound to one."""
    rooms = "cnnlab.workflows.executors"
    for place in ("local", "ray_executor", "room"):
        patch.setattr(f"{rooms}.{place}.usable_cores", lambda: (2, "two"))
    patch.setattr(f"{rooms}.room.cores_to_run_on", lambda: [(), ()])


@contextmanager
def printed():
    """A list that gets all that is printed meanwhile, by Python or below it."""
    said, text = [], io.StringIO()
    kept = {number: os.dup(number) for number in (1, 2)}
    with tempfile.TemporaryFile() as file:
        for number in kept:
            os.dup2(file.fileno(), number)
        try:
            with redirect_stdout(text), redirect_stderr(text):
                yield said
        finally:
            for number, own in kept.items():
                os.dup2(own, number)
                os.close(own)
            file.seek(0)
            said += [text.getvalue(), file.read().decode()]
