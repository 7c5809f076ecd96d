"""What both sides are given: one configuration of cnnlab's, and the same as a job for Keras."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from harness.records import Record
from numpy.typing import NDArray

import cnnlab
from cnnlab.config import RunConfig
from cnnlab.data.dataset import Dataset
from cnnlab.data.split import Split, draw_split
from cnnlab.errors import ConfigError
from cnnlab.files import atomic_path
from cnnlab.models import Architecture, load_architecture, load_model_file
from cnnlab.training.stages import Stage, plan_stages

__all__ = ["Material", "Setting", "keras_job", "prepare", "rows_digest", "write_arrays"]

_KERAS_OPTIMIZERS = {"adam": "Adam", "adamax": "Adamax"}
#: What a job for Keras carries of a configuration's training; all else must be the default.
_CARRIED = {"mode", "stage_size", "stages", "epochs", "batch_size", "inner_validation"} | {
    "early_stopping",
    "weights",
}
_IMMATERIAL = {"checkpoint_every_seconds"}


@dataclass(frozen=True)
class Setting:
    """One experiment, whichever side does it.

    Attributes
    ----------
    model: a zoo model's name or the path of a YAML file.
    data: what ``--data`` takes.
    train, validation: images; sequential training divides ``train`` into the model's stages.
    epochs: at most so many a stage.
    """

    model: str
    data: str
    train: int
    validation: int
    epochs: int

    @property
    def name(self) -> str:
        """The model's short name."""
        return Path(self.model).stem

    @property
    def label(self) -> str:
        """What files about it are called."""
        return f"{self.name}-{self.train}x{self.epochs}"

    def settings(self, *, seed: int, threads: int, **training: Any) -> Record:
        """Settings for :func:`cnnlab.configure`, laid on those of the model's own file."""
        own = load_model_file(self.model).training
        if own.get("mode") == "sequential":
            training = {"stage_size": self.train // own["stages"], **training}
        return {
            "seed": seed,
            "device": "cpu",
            "precision": "fp32",
            "threads": threads,
            "model": {"name": self.model},
            "data": {
                "source": self.data,
                "train": self.train,
                "validation": self.validation,
                "test": 0,
                "stratify": False,
            },
            "training": {"epochs": self.epochs, **training},
        }


@dataclass(frozen=True, eq=False)
class Material:
    """A setting with its images: what is drawn once and shared by all seeds of both sides."""

    config: RunConfig
    dataset: Dataset
    split: Split
    stages: list[Stage]
    architecture: Architecture


def prepare(settings: Mapping[str, Any]) -> Material:
    """Open the data and draw the split, as training will."""
    config = cnnlab.configure(settings=settings)
    dataset = cnnlab.open_dataset(config.data.source)
    split = draw_split(dataset, config.data.sizes(), seed=config.data.split_seed, stratify=False)
    stages = plan_stages(split.train, config.training)
    architecture = load_architecture(
        config.model.name,
        input_shape=dataset.image_shape,
        classes=len(dataset.class_names),
        params=config.model.params,
    )
    return Material(config, dataset, split, stages, architecture)


def rows_digest(train: NDArray[np.int64], validation: NDArray[np.int64]) -> str:
    """SHA-256 of the rows that a training may see and is judged on: are two splits the same?"""
    return hashlib.sha256(train.tobytes() + b"|" + validation.tobytes()).hexdigest()


def keras_job(material: Material, kind: str, seed: int) -> Record:
    """Say to ``keras_worker.py`` what the configuration says to cnnlab.

    Raises :class:`ConfigError` where the configuration has something that a job cannot carry:
    then the two sides would not do the same.
    """
    config, architecture = material.config, material.architecture
    training = config.training
    _check_carried(config)
    layers = zip(architecture.layers, architecture.steps, strict=True)
    arguments: Record = {"learning_rate": config.optimizer.lr, **config.optimizer.options()}
    if config.optimizer.weight_decay:
        arguments["weight_decay"] = config.optimizer.weight_decay
    stopping = training.early_stopping
    return {
        "kind": kind,
        "seed": seed,
        "layers": [{**item, "name": step.name} for item, step in layers],
        "input_shape": list(architecture.input_shape),
        "classes": architecture.classes,
        "optimizer": {"class": _KERAS_OPTIMIZERS[config.optimizer.name], "arguments": arguments},
        "batch_size": training.batch_size,
        "epochs": training.epochs,
        "stages": len(material.stages),
        "early_stopping": stopping
        and {"patience": stopping.patience, "min_delta": stopping.min_delta},
    }


def _check_carried(config: RunConfig) -> None:
    default = RunConfig()
    wanted = {
        "optimizer.name": config.optimizer.name in _KERAS_OPTIMIZERS,
        "schedule": config.schedule.name == "constant",
        "normalization": config.normalization == "unit",
        "mirror": config.mirror == default.mirror,
        "training.early_stopping": config.training.early_stopping is None
        or config.training.early_stopping.monitor == "loss",
    }
    ours, plain = config.training.model_dump(), default.training.model_dump()
    for key in set(ours) - _CARRIED - _IMMATERIAL:
        wanted[f"training.{key}"] = ours[key] == plain[key]
    wrong = sorted(key for key, fits in wanted.items() if not fits)
    if wrong:
        raise ConfigError("has no counterpart in the job for Keras", where=", ".join(wrong))


def write_arrays(material: Material, path: Path) -> None:
    """Write the pixels (uint8) and labels of every stage and of validation as ``.npz``."""
    parts = {"validation": material.split.validation}
    for number, stage in enumerate(material.stages, start=1):
        parts |= {f"stage{number}_train": stage.train, f"stage{number}_inner": stage.inner}
    arrays: dict[str, NDArray[Any]] = {}
    for name, rows in parts.items():
        arrays[f"{name}_images"] = material.dataset.images[rows]
        arrays[f"{name}_labels"] = material.dataset.labels[rows]
    with atomic_path(path) as half, half.open("wb") as stream:
        np.savez(stream, **arrays)  # type: ignore[arg-type] # numpy's own options are named too
