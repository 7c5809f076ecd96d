"""What ``throughput.py`` asks its processes for: one job for every side, case and precision."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from harness.records import Record
from harness.sessions import Measurement
from harness.training_flops import training_flops
from harness.workers import Work, start
from versus_keras.jobs import Material, keras_job, prepare, write_arrays
from versus_keras.peer import peer_of

from cnnlab.errors import ConfigError

__all__ = ["OURS", "Bench", "Case"]

#: What cnnlab's own side is called in the records.
OURS = "cnnlab"
#: More epochs than any measurement lasts.
_ENDLESS = 100_000


@dataclass(frozen=True)
class Case:
    """A model with a builder's parameters, trained on batches of so many images."""

    model: str
    batch_size: int
    params: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """For people: "fastnet 64-256-256"."""
        widths = "-".join(map(str, self.params.get("widths", ())))
        return f"{self.model} {widths}".strip()


@dataclass(frozen=True)
class Bench:
    """Starts the measurements that were asked for."""

    asked: argparse.Namespace

    @property
    def _work(self) -> Path:
        return Path(self.asked.out).absolute() / "work"

    @property
    def _clock(self) -> Record:
        return {"warm_up_seconds": self.asked.warm_up, "seconds": self.asked.seconds}

    def settings(self, case: Case, images: int) -> Record:
        """For :func:`cnnlab.configure`: a training without end that nothing interrupts."""
        return {
            "device": "cpu",
            "precision": self.asked.precision,
            "threads": self.asked.threads,
            "model": {"name": case.model, "params": case.params},
            "data": {
                "source": self.asked.data,
                "train": images,
                "validation": 0,
                "test": 0,
                "stratify": False,
            },
            "training": {
                "epochs": _ENDLESS,
                "batch_size": case.batch_size,
                "early_stopping": None,
                "inner_validation": 0.0,
            },
        }

    def images(self, *batch_sizes: int) -> int:
        """At most ``--images``, such that an epoch is whole batches of each size, two at least."""
        whole = math.lcm(*batch_sizes)
        images: int = self.asked.images // whole * whole
        if images < 2 * max(batch_sizes):
            raise ConfigError(
                f"{self.asked.images} images",
                where="--images",
                expected=f"at least two batches, and a multiple of {whole}",
            )
        return images

    def own(self, job: Record, name: str) -> Work:
        """Begin a job of ``throughput_worker.py``."""
        threads = self.asked.threads
        environment = {"OMP_NUM_THREADS": str(threads)}
        job = {"threads": threads, "clock": self._clock, **job}
        return start("throughput_worker.py", job, self._work, name, environment=environment)

    def speeds(self) -> list[Measurement]:
        """Model F at every batch size, one side after the other: a round."""
        images = self.images(*self.asked.batches)
        arrays, found = self._work / "images.npz", list[Measurement]()
        for batch_size in self.asked.batches:
            settings = self.settings(Case("model-f", batch_size), images)
            material = prepare(settings)
            if not found:
                write_arrays(material, arrays)
            found += self._sides(settings, material, arrays)
        return found

    def _sides(self, settings: Record, material: Material, arrays: Path) -> list[Measurement]:
        config, sides = material.config, list[Measurement]()
        batch_size = config.training.batch_size
        facts = {
            "kind": "speed",
            "data": self.asked.data,
            "model": config.model.name,
            "image_shape": list(material.dataset.image_shape),
            "images": len(material.split.train),
            "batch_size": batch_size,
            "threads": self.asked.threads,
            "expected_parameters": material.architecture.summary().total_params,
        }

        def add(side: str, begin: partial[Work]) -> None:
            sides.append(Measurement({**facts, "side": side}, begin))

        if OURS in self.asked.sides:
            engine = {"kind": "engine", "settings": settings}
            add(OURS, partial(self.own, engine, f"{OURS}-{batch_size}"))
        given = {"arrays": str(arrays), "clock": self._clock}
        if "keras" in self.asked.sides:
            peer, job = peer_of(self.asked), {**keras_job(material, "speed", 0), **given}
            name = f"keras-{peer.backend}"
            add(name, partial(peer.start, job, self._work, f"{name}-{batch_size}"))
        plain = {"kind": "loop", "classes": material.architecture.classes, **given}
        for workers in self.asked.workers if "torch" in self.asked.sides else ():
            job = {**plain, "batch_size": batch_size, "workers": workers}
            name = f"torch-loader-{workers}"
            add(name, partial(self.own, job, f"{name}-{batch_size}"))
        return sides

    def step(self, case: Case) -> Measurement:
        """Whole training steps of a case, for ``--peak``."""
        settings = self.settings(case, self.images(case.batch_size))
        material = prepare(settings)
        job = {"kind": "engine", "settings": settings}
        facts = {
            "kind": "share",
            "case": case.name,
            "data": self.asked.data,
            "batch_size": case.batch_size,
            "training_flops": training_flops(material.architecture),
            "expected_parameters": material.architecture.summary().total_params,
        }
        name = f"{case.name.replace(' ', '-')}-{case.batch_size}"
        return Measurement(facts, partial(self.own, job, name))

    def peak(self, precision: str, sizes: Sequence[int]) -> Measurement:
        """The fastest product of square matrices of these sizes in a precision."""
        seconds = self.asked.seconds / len(sizes)
        job = {"kind": "peak", "precision": precision, "sizes": list(sizes), "seconds": seconds}
        facts = {"kind": "peak", "precision": precision, "threads": self.asked.threads}
        return Measurement(facts, partial(self.own, job, f"peak-{precision}"))
