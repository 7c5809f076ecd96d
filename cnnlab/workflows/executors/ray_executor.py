"""The executor ``ray``: trainings on a Ray cluster."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from functools import cached_property
from typing import Any

from cnnlab.machine import usable_cores
from cnnlab.training.events import Watcher, unwatched
from cnnlab.workflows.executors.crew import conduct
from cnnlab.workflows.executors.interface import EXECUTORS, Job, OnEnd, OnEpoch
from cnnlab.workflows.executors.ray_cluster import open_cluster, require_ray
from cnnlab.workflows.executors.room import check_numbers, places_for, visible_gpus

__all__ = ["OnRay"]


class OnRay:
    """Trains on the cluster at ``address``, or on one of this machine, which ends with the jobs.

    ``shared`` False sends run directories back also where workers see the same folder.
    """

    def __init__(
        self,
        workers: int | None = None,
        address: str | None = None,
        gpus: float | None = None,
        watch: Watcher = unwatched,
        *,
        shared: bool = True,
    ) -> None:
        require_ray()
        check_numbers(workers, gpus)
        self._workers, self._address, self._gpus = workers, address, gpus
        self._watch, self._shared = watch, shared
        self._open = ExitStack()
        if address is None:
            _ = self.slots  # called for its errors

    @cached_property
    def _ray(self) -> Any:
        """Ray, connected until :meth:`run` ends."""
        cores, gpus = usable_cores()[0], len(visible_gpus())
        return self._open.enter_context(open_cluster(self._address, cores=cores, gpus=gpus))

    @cached_property
    def _size(self) -> tuple[int, int, int]:
        """Cores and GPUs in all, and the cores of the smallest machine."""
        if self._address is None:
            cores = usable_cores()[0]
            return cores, len(visible_gpus()), cores
        nodes = [node["Resources"] for node in self._ray.nodes() if node["Alive"]]
        of_each = [count for node in nodes if (count := int(node.get("CPU", 0)))]
        gpus = int(sum(node.get("GPU", 0) for node in nodes))
        return max(sum(of_each), 1), gpus, min(of_each, default=1)

    @cached_property
    def _places(self) -> tuple[int, float]:
        cores, gpus, _ = self._size
        share = 1.0 if self._gpus is None else self._gpus
        why = "of this machine" if self._address is None else f"of the cluster at {self._address}"
        return places_for(self._workers, share, cores, gpus, why=why)

    @property
    def slots(self) -> int:
        """Trainings at the same time, at most; a cluster is asked for its cores."""
        return self._places[0]

    def run(self, next_job: Callable[[], Job | None], on_epoch: OnEpoch, on_end: OnEnd) -> None:
        """See :meth:`cnnlab.workflows.executors.interface.Executor.run`."""

        with self._open:
            try:
                self._run(next_job, on_epoch, on_end)
            finally:
                self.__dict__.pop("_ray", None)  # the next run connects anew

    def _run(self, next_job: Callable[[], Job | None], on_epoch: OnEpoch, on_end: OnEnd) -> None:
        from cnnlab.workflows.executors.ray_crew import RayCrew

        (slots, share), (cores, _, smallest) = self._places, self._size
        crew = RayCrew(
            self._ray,
            threads=max(min(cores // slots, smallest), 1),
            cores=smallest,
            share=share,
            shared=self._shared,
        )
        try:
            conduct(crew, slots, next_job, on_epoch, on_end, self._watch)
        finally:
            crew.close()


@EXECUTORS.register("ray")
def on_ray(
    workers: int | None, address: str | None, gpus: float | None, watch: Watcher = unwatched
) -> OnRay:
    """Make one; :class:`cnnlab.errors.InputError` where Ray is not installed."""
    return OnRay(workers, address, gpus, watch)
