"""One job on its way through workers that may die: what it was told, and how often it died."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cnnlab.errors import FailedError
from cnnlab.runs import Run
from cnnlab.workflows.executors.interface import Job, JobEnd, OnEpoch
from cnnlab.workflows.same_bytes import step_of_newest

__all__ = ["MOST_DEATHS", "Course"]

#: So many workers of one job may die without a new checkpoint; it is the job that kills them then.
MOST_DEATHS = 3


@dataclass(eq=False)
class Course:
    """A job from its first worker to its end.

    Attributes
    ----------
    job: as the caller gave it.
    stopped: whether its caller asked to stop it.
    deaths: of its workers since there was a new checkpoint.
    """

    job: Job
    on_epoch: OnEpoch
    stopped: bool = False
    deaths: int = 0
    _step: int | None = None
    _told: set[tuple[int, int]] = field(default_factory=set)

    def epoch(self, record: Mapping[str, Any]) -> bool:
        """Tell the caller of an epoch, unless he knows it; return whether to stop.

        After a death the epochs since the checkpoint are done, and reported, again.
        """
        place = (int(record["stage"]), int(record["epoch"]))
        if not self.stopped and place not in self._told:
            self._told.add(place)
            self.stopped = self.on_epoch(self.job, record)
        return self.stopped

    def is_news(self, record: Mapping[str, Any]) -> bool:
        """Whether the caller has not been told of an epoch."""
        return (int(record["stage"]), int(record["epoch"])) not in self._told

    def died(self, how: str) -> JobEnd | None:
        """Count a worker's death; the end of the job where there were too many."""
        step = step_of_newest(Run(self.job.path))
        if step is not None and (self._step is None or step > self._step):
            self._step, self.deaths = step, 0
        self.deaths += 1
        if self.deaths < MOST_DEATHS:
            return None
        error = FailedError(
            f"its worker died {self.deaths} times without a new checkpoint, the last time: {how}",
            where=self.job.path,
            todo="look for too little memory (a smaller batch, fewer --workers), then run it again",
        )
        return JobEnd(self.job, "failed", str(error), error)
