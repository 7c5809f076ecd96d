"""Who takes part: cnnlab's recipes, cifar10-airbench's script, Keras with the report's model F."""

from __future__ import annotations

import hashlib
import json
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.records import Record
from harness.workers import Work, start
from versus_keras.jobs import keras_job, prepare
from versus_keras.peer import KerasPeer

from cnnlab.errors import ConfigError
from cnnlab.files import sha256_of_file
from race.airbench_adaptation import adapted
from race.airbench_settings import AirbenchSettings
from race.conditions import Conditions
from race.recipes import configured

__all__ = ["Airbench", "Contender", "KerasCurve", "Recipe"]


@dataclass(frozen=True)
class Contender(ABC):
    """One way to train; everything random in it follows from a seed."""

    conditions: Conditions

    @property
    @abstractmethod
    def side(self) -> str:
        """Whose training it is."""

    @property
    @abstractmethod
    def label(self) -> str:
        """What tables call it, beside the side."""

    @abstractmethod
    def asked(self) -> dict[str, Any]:
        """What decides its result, beside the conditions; errors of what is asked come here."""

    @abstractmethod
    def begin(self, seed: int, name: str) -> Work:
        """Start a process that trains once."""

    def name(self, seed: int) -> str:
        """What a training's files and its record are called; other settings, another name."""
        facts = {**self.conditions.facts(), **self.asked()}
        digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:8]
        label = re.sub(r"[^\w.-]", "-", self.label)
        return f"{self.side}-{label[:60]}-{digest}-seed{seed}"

    def _job(self, seed: int) -> Record:
        return {"seed": seed, "threads": self.conditions.threads}

    @property
    def _threads(self) -> dict[str, str]:
        return {"OMP_NUM_THREADS": str(self.conditions.threads)}


@dataclass(frozen=True)
class Recipe(Contender):
    """A recipe of cnnlab's, by its name or as a YAML file."""

    recipe: str
    overrides: tuple[str, ...] = ()

    @property
    def side(self) -> str:
        return "cnnlab"

    @property
    def label(self) -> str:
        return ", ".join([Path(self.recipe).stem, *self.overrides])

    def recipe_job(self, seed: int) -> Record:
        """What :func:`race.recipes.configured` takes, and more that a worker needs."""
        file = Path(self.recipe)
        return {
            **self._job(seed),
            "recipe": self.recipe,
            "file": str(file.absolute()) if file.suffix in (".yaml", ".yml") else None,
            "overrides": list(self.overrides),
            "data": self.conditions.data,
            "train": self.conditions.train,
        }

    def asked(self) -> dict[str, Any]:
        config, mirrored = configured(self.recipe_job(seed=0))
        return {"config": config.to_dict(), "mirror": mirrored}

    def begin(self, seed: int, name: str) -> Work:
        # A folder of its own: what was cut off is trained anew, for its time would be in pieces.
        runs = self.conditions.folder.absolute() / "runs" / name
        job = {**self.recipe_job(seed), "runs": str(runs)}
        work = self.conditions.work
        return start("race_own.py", job, work, name, environment=self._threads)


@dataclass(frozen=True)
class Airbench(Contender):
    """cifar10-airbench's script at some size."""

    script: Path
    settings: AirbenchSettings

    @property
    def side(self) -> str:
        return "airbench"

    @property
    def label(self) -> str:
        return self.settings.label

    def asked(self) -> dict[str, Any]:
        adapted(self.script, self.settings)
        shape = self.conditions.dataset.image_shape
        if shape != (32, 32, 3):
            size = "x".join(map(str, shape))
            raise ConfigError(
                f"images of {size} are not for airbench",
                where="--data",
                expected="32x32x3",
                todo="leave --airbench out",
            )
        return {"script": sha256_of_file(self.script), "settings": self.settings.text}

    def begin(self, seed: int, name: str) -> Work:
        job = {
            **self._job(seed),
            "script": str(self.script.absolute()),
            "settings": self.settings.text,
            "arrays": str(self.conditions.arrays()),
        }
        environment = {**self._threads, **dict(self.settings.environment)}
        work = self.conditions.work
        return start("airbench_worker.py", job, work, name, environment=environment)


@dataclass(frozen=True)
class KerasCurve(Contender):
    """One long training by Keras, as the report's author would do it, looked at every epoch."""

    peer: KerasPeer
    model: str
    epochs: int

    @property
    def side(self) -> str:
        return f"keras-{self.peer.backend}"

    @property
    def label(self) -> str:
        return Path(self.model).stem

    def _keras_job(self, seed: int) -> Record:
        settings = {
            "device": "cpu",
            "precision": "fp32",
            "model": {"name": self.model},
            "data": {"source": self.conditions.data, "validation": 0},
            # No image is held out: the curve itself shows where it should have stopped.
            "training": {"epochs": self.epochs, "inner_validation": 0.0, "early_stopping": None},
        }
        return keras_job(prepare(settings), "curve", seed)

    def asked(self) -> dict[str, Any]:
        return {"job": self._keras_job(seed=0)}

    def begin(self, seed: int, name: str) -> Work:
        job = {**self._keras_job(seed), "arrays": str(self.conditions.arrays())}
        return self.peer.start(job, self.conditions.work, name)
