"""What all sides of the race have in common: images, threads, the machine."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from harness.records import Record
from numpy.typing import NDArray

from cnnlab.data import open_dataset
from cnnlab.data.dataset import Dataset
from cnnlab.data.split import Split, SplitSizes, draw_split
from cnnlab.device import describe_machine
from cnnlab.files import atomic_path

__all__ = ["Conditions", "machine_facts", "rows_digest", "speed_variables"]

#: As cnnlab decides where a configuration leaves it open.
_STRATIFY_BELOW = 20_000
#: Every process inherits the environment; what of it decides speed is written down.
_SPEED_VARIABLES = ("MALLOC_", "OMP_", "KMP_", "GOMP_", "MKL_", "DNNL_", "ONEDNN_", "LD_PRELOAD")
_SET_HERE = "OMP_NUM_THREADS"


def rows_digest(rows: NDArray[np.int64]) -> str:
    """SHA-256 of rows in ascending order: are two sides judged on the same images?"""
    return hashlib.sha256(np.sort(rows).astype(np.int64).tobytes()).hexdigest()


def speed_variables() -> dict[str, str]:
    """The environment's variables that decide speed, but the threads, which are set here."""
    return {
        name: value
        for name, value in sorted(os.environ.items())
        if name.startswith(_SPEED_VARIABLES) and name != _SET_HERE
    }


def machine_facts() -> Record:
    """The machine, with cnnlab's revision; versions come from each side."""
    machine = describe_machine("cpu")
    machine.pop("versions")
    return machine


@dataclass(frozen=True)
class Conditions:
    """The same for every side.

    Attributes
    ----------
    data: what ``--data`` takes.
    threads: of each process.
    train: at most so many training images, to try things out; all that there are where None.
    folder: records, logs, runs and arrays go here.
    """

    data: str
    threads: int
    train: int | None
    folder: Path

    @property
    def work(self) -> Path:
        """Job files, logs, answers and arrays."""
        return self.folder.absolute() / "work"

    def facts(self) -> dict[str, Any]:
        """What decides a result, whoever trains."""
        return {
            "data": self.dataset.fingerprint,
            "threads": self.threads,
            "train": self.train,
            "environment": speed_variables(),
        }

    @cached_property
    def dataset(self) -> Dataset:
        """The images, decoded into the cache if they were not."""
        return open_dataset(self.data)

    @cached_property
    def split(self) -> Split:
        """All training images that there are, and test as a recipe has it; no validation."""
        sizes = SplitSizes(train=self.train, validation=0)
        stratify = len(self.dataset) < _STRATIFY_BELOW
        return draw_split(self.dataset, sizes, seed=0, stratify=stratify)

    @property
    def test_rows(self) -> str:
        """Digest of the rows that every side must be judged on."""
        return rows_digest(self.split.test)

    def arrays(self) -> Path:
        """An ``.npz`` file of the split's pixels (uint8 ``[N, H, W, C]``) and labels."""
        name = f"{self.dataset.fingerprint[:16]}-{len(self.split.train)}.npz"
        path = self.work / name
        if not path.exists():
            found: dict[str, NDArray[Any]] = {}
            for part in ("train", "test"):
                rows = self.split.rows(part)  # train as it was drawn: some sources lie by class
                found[f"{part}_images"] = self.dataset.images[rows]
                found[f"{part}_labels"] = self.dataset.labels[rows]
            with atomic_path(path) as half, half.open("wb") as stream:
                np.savez(stream, **found)  # type: ignore[arg-type] # numpy's own options are named too
        return path
