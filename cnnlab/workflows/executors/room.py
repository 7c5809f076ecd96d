"""How many trainings this machine has room for, and which cores and GPU each of them gets."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from cnnlab.config import RunConfig
from cnnlab.errors import ConfigError
from cnnlab.machine import cores_to_run_on, usable_cores
from cnnlab.workflows.continued import existing_run
from cnnlab.workflows.executors.interface import Job

__all__ = [
    "Room",
    "Seat",
    "check_numbers",
    "needs_gpu",
    "places_for",
    "visible_gpus",
    "with_threads",
]

#: Shares of a GPU are added up, and 3 times a third is one.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Seat:
    """What one worker has for itself.

    Attributes
    ----------
    cores: each by its hardware threads; empty tuples where a worker is not bound to any.
    gpu: as ``CUDA_VISIBLE_DEVICES`` calls it; None: none.
    share: of that GPU.
    """

    cores: tuple[tuple[int, ...], ...]
    gpu: str | None = None
    share: float = 0.0

    def __str__(self) -> str:
        count = f"{len(self.cores)} core{'s' if len(self.cores) > 1 else ''}"
        bound = f" ({', '.join(map(str, sorted(self.processors)))})" if self.processors else ""
        return count + bound + (f" and GPU {self.gpu}" if self.gpu else "")

    @property
    def processors(self) -> set[int]:
        """The hardware threads that the worker is bound to; none: it is not."""
        return {number for core in self.cores for number in core}


@dataclass
class Room:
    """The cores and GPUs of this machine that nobody sits on."""

    cores: list[tuple[int, ...]]
    gpus: dict[str, float] = field(default_factory=dict)

    @classmethod
    def here(cls) -> Room:
        """What this process may use of this machine."""
        cores, (count, _) = cores_to_run_on(), usable_cores()
        if count < len(cores):
            # Time is what is limited, and others have their share of the same cores: bound to
            # the first ones, all would meet there.
            cores = [()] * count
        return cls(cores, dict.fromkeys(visible_gpus(), 1.0))

    def take(self, cores: int, share: float) -> Seat | None:
        """A seat of so many cores and such a share of one GPU; None where that is not free."""
        if cores > len(self.cores):
            return None
        gpu = None
        if share:
            # The fullest one that has room, so that whole ones stay whole.
            fitting = [name for name, free in self.gpus.items() if free + _ROUNDING >= share]
            if not fitting:
                return None
            gpu = min(fitting, key=self.gpus.__getitem__)
            self.gpus[gpu] -= share
        taken, self.cores = tuple(self.cores[:cores]), self.cores[cores:]
        return Seat(taken, gpu, share)

    def give_back(self, seat: Seat) -> None:
        """Free a seat."""
        self.cores = [*seat.cores, *self.cores]
        if seat.gpu is not None:
            self.gpus[seat.gpu] += seat.share


def visible_gpus(environment: Mapping[str, str] = os.environ) -> list[str]:
    """The GPUs that torch finds here, as ``CUDA_VISIBLE_DEVICES`` calls them."""
    import torch

    count = torch.cuda.device_count()
    named = [name.strip() for name in environment.get("CUDA_VISIBLE_DEVICES", "").split(",")]
    return named[:count] if named != [""] else [str(number) for number in range(count)]


def check_numbers(workers: int | None, gpus: float | None) -> None:
    """:class:`ConfigError` for numbers that no executor takes."""
    if workers is not None and workers < 1:
        raise ConfigError(f"{workers} workers", where="--workers", expected="1 or more")
    if gpus is not None and not 0 <= gpus <= 1:
        raise ConfigError(
            f"{gpus:g} GPUs for a training", where="--gpus", expected="a share of one, 0 to 1"
        )


def places_for(
    workers: int | None, share: float, cores: int, gpus: int, *, why: str
) -> tuple[int, float]:
    """How many trainings run at the same time, and the share of a GPU that each gets.

    ``why`` says what ``cores`` comes from. Raises :class:`ConfigError` for more workers than
    cores, which would only wait for each other.
    """
    share = share if gpus else 0.0
    if workers is not None and workers > cores:
        raise ConfigError(
            f"{workers} workers would share {cores} cores ({why})",
            where="--workers",
            expected=f"1 to {cores}",
        )
    fitting = min(int(gpus / share + _ROUNDING), cores) if share else cores
    return workers or max(fitting, 1), share


def with_threads(job: Job, threads: int) -> Job:
    """The job with its number of threads settled: what says one keeps it.

    A run that is there has its own in its configuration.
    """
    run = existing_run(job.config, job.runs)
    settled = (job.config if run is None else run.typed_config()).threads or threads
    return replace(job, config=job.config.updated(threads=settled))


def needs_gpu(config: RunConfig) -> bool:
    """Whether a training runs on a GPU where there is one."""
    return config.device not in ("cpu", "mps")
