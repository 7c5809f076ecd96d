"""A small training in processes of its own: once whole, and killed as often as one likes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from cnnlab.errors import CheckFailed, DeviceError, FailedError
from cnnlab.files import write_text
from cnnlab.runs import Run, files_of
from cnnlab.settings import dump_yaml
from cnnlab.workflows.same_bytes import differences, step_of_newest

__all__ = ["Kill", "Trial"]

#: How the child is asked whether it has begun to train, and how long it may take to answer.
_POLL_SECONDS = 0.005
_PATIENCE_SECONDS = 300.0

#: Of the kills, so many hit a process that still imports, opens images or takes up a checkpoint.
_EARLY_SHARE = 0.15

#: Layers whose weights, buffers and random numbers a resume could get wrong.
_LAYERS: tuple[dict[str, Any], ...] = (
    {"type": "Conv2D", "filters": 16, "kernel_size": 3, "padding": "same"},
    {"type": "BatchNormalization"},
    {"type": "Activation", "activation": "relu"},
    {"type": "MaxPooling2D", "pool_size": 2},
    {"type": "Conv2D", "filters": 32, "kernel_size": 3, "padding": "same"},
    {"type": "BatchNormalization"},
    {"type": "Activation", "activation": "relu"},
    {"type": "SpatialDropout2D", "rate": 0.1},
    {"type": "MaxPooling2D", "pool_size": 4},
    {"type": "Flatten"},
    {"type": "Dropout", "rate": 0.25},
    {"type": "Dense", "units": "classes"},
)

_STAGES: dict[str, dict[str, Any]] = {
    "full": {"mode": "full", "epochs": 5},
    "sequential": {"mode": "sequential", "stage_size": 200, "stages": 3, "epochs": 4},
}


@dataclass(frozen=True)
class Kill:
    """One SIGKILL: what it hit, and where training went on.

    Attributes
    ----------
    hit: what the process was doing, as far as its files tell.
    seconds: since the process was started, or since it began to train.
    step: of the newest checkpoint at that time; None where training begins anew.
    """

    hit: str
    seconds: float
    step: int | None


@dataclass
class Trial:
    """One configuration, trained whole in a process of its own, and others of it to be killed.

    Attributes
    ----------
    folder: receives model, images and runs.
    mode, precision, threads: of the training; None leaves threads to this machine.
    command: what trains, where it is not this Python's cnnlab.
    start_seconds, training_seconds: of the whole training's process, until it began to train and
        from then to its end.
    """

    folder: Path
    mode: str = "full"
    precision: str = "auto"
    threads: int | None = None
    command: Sequence[str | Path] = (sys.executable, "-m", "cnnlab")
    start_seconds: float = field(default=0.0, init=False)
    training_seconds: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        if not hasattr(signal, "SIGKILL"):  # Windows ends processes in another way
            raise DeviceError(
                "this system cannot kill a process at any instant (it has no SIGKILL)",
                expected="Linux or macOS",
            )

    @property
    def whole(self) -> Run:
        """The run that was never interrupted."""
        return self.run("whole")

    def run(self, name: str) -> Run:
        """A run of this trial, there or not."""
        return Run(self.folder / "runs" / name)

    def train_whole(self, environment: Mapping[str, str] | None = None) -> None:
        """Train without a kill, and measure how long it takes."""
        model, config = self.folder / "model.yaml", self.folder / "config.yaml"
        layers = [dict(layer) for layer in _LAYERS]
        write_text(model, dump_yaml({"name": "small", "layers": layers}))
        write_text(config, dump_yaml(self._settings(model)))
        began = time.monotonic()
        process = self.start("whole", config, environment)
        with _ended_with(process):
            self._await_training(process, self.whole)
            self.start_seconds = time.monotonic() - began
            code = process.wait()
        self.training_seconds = time.monotonic() - began - self.start_seconds
        if code != 0:
            raise FailedError(f"the training without a kill failed: {self._said('whole')}")

    def start(
        self, name: str, config: Path | None = None, environment: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """Start a process that trains ``name``, or goes on with it where it is there.

        It trains from what the whole run settled, for a measured choice may come out otherwise.
        """
        run = self.run(name)
        config = config or self.whole.path / "config.yaml"
        arguments: list[str | Path] = ["train", "--runs", run.path.parent]
        if (run.path / "config.yaml").exists():
            arguments += ["--resume", run.path]
        else:
            arguments += ["--config", config, "--name", name]
        # The images that are drawn go with the folder.
        own = {"CNNLAB_HOME": str(self.folder / "home"), **(environment or {})}
        with self._log(name).open("wb") as log:
            return subprocess.Popen(  # noqa: S603 # our own command
                [*self.command, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **own},
            )

    def kill_at_random(
        self, name: str, generator: np.random.Generator, within_seconds: float
    ) -> Kill | None:
        """Start or resume ``name`` and kill it; None where it was done before that.

        Most kills come within so many seconds of training, some before it begins.
        """
        early = generator.random() < _EARLY_SHARE
        seconds = float(generator.uniform(0, self.start_seconds if early else within_seconds))
        before = set(self._unfinished_files(name))
        process = self.start(name)
        with _ended_with(process), suppress(subprocess.TimeoutExpired):
            if not early:
                self._await_training(process, self.run(name))
            process.wait(seconds)
        return self.caught(name, process, seconds, early=early, unfinished_before=before)

    def caught(
        self,
        name: str,
        process: subprocess.Popen[bytes],
        seconds: float,
        *,
        early: bool = False,
        unfinished_before: Collection[str] = (),
    ) -> Kill | None:
        """What a process that ends now was killed in; None where it came to its own end."""
        with _ended_with(process):
            code = process.wait()
        if code == 0:
            return None
        if code != -signal.SIGKILL:
            raise CheckFailed(f"a killed training did not go on: {self._said(name)}", where=name)
        run = self.run(name)
        if early:
            hit = "starting"
        elif set(self._unfinished_files(name)) - set(unfinished_before):
            hit = "writing a file"
        elif (run.path / "result.json").exists():
            hit = "after the last step"
        else:
            hit = "training"
        return Kill(hit, round(seconds, 3), step_of_newest(run))

    def finish(self, name: str) -> None:
        """Let ``name`` go on to its end."""
        process = self.start(name)
        with _ended_with(process):
            code = process.wait()
        if code != 0:
            raise CheckFailed(f"a killed training did not go on: {self._said(name)}", where=name)

    def differences(self, name: str) -> list[str]:
        """In what ``name`` ended otherwise than the whole run."""
        return differences(self.run(name), self.whole)

    def _settings(self, model: Path) -> dict[str, Any]:
        """A training with everything on that a resume could get wrong, saved every few steps."""
        return {
            "seed": 1,
            "precision": self.precision,
            "threads": self.threads,
            "model": {"name": str(model)},
            "data": {"source": "shapes", "size": 1200, "validation": 200},
            "optimizer": {"name": "adam", "lr": 0.002, "weight_decay": 0.01},
            "schedule": {"name": "cosine"},
            "training": {
                **_STAGES[self.mode],
                "batch_size": 32,
                "label_smoothing": 0.1,
                "augment": {"flip": "random", "translate": 2, "cutout": 4},
                "ema": 0.95,
                "clip_norm": 5.0,
                "checkpoint_every_seconds": 0.05,
            },
        }

    def _await_training(self, process: subprocess.Popen[bytes], run: Run) -> None:
        """Wait until the process holds its run's lock, or has ended."""
        end = time.monotonic() + _PATIENCE_SECONDS
        while process.poll() is None and not run.in_use:
            if time.monotonic() > end:
                raise FailedError(f"no training began within {_PATIENCE_SECONDS:.0f} s")
            time.sleep(_POLL_SECONDS)

    def _unfinished_files(self, name: str) -> list[str]:
        files = files_of(self.run(name).path)
        return [path for path in files if Path(path).name.startswith(".") and path[-4:] == ".tmp"]

    def _log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def _said(self, name: str) -> str:
        text = self._log(name).read_text(encoding="utf-8", errors="replace").strip()
        return text.splitlines()[-1] if text else "it said nothing"


@contextmanager
def _ended_with(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Leave no process behind, not even after Ctrl-C: one that still runs is killed."""
    try:
        yield
    finally:
        process.kill()
