"""One run directory, file by file."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnlab.config import RunConfig, make_config
from cnnlab.data import open_dataset
from cnnlab.data.dataset import Dataset
from cnnlab.data.source import Say, unsaid
from cnnlab.data.split import Split
from cnnlab.errors import DataError, RunError
from cnnlab.files import append_line, is_locked
from cnnlab.runs.age import made_at
from cnnlab.runs.command_line import command_line
from cnnlab.runs.config_file import read_config
from cnnlab.runs.corrupted import CorruptedPredictions
from cnnlab.runs.glance import glance
from cnnlab.runs.predictions import Predictions
from cnnlab.runs.records import Record, keep_lines, read_lines, read_record
from cnnlab.settings import load_yaml, merge
from cnnlab.tables import ShownAsText

if TYPE_CHECKING:
    from cnnlab.models.architecture import Architecture

__all__ = ["Record", "Run"]

_PARTS = ("train", "validation", "test")


class Run(ShownAsText):
    """One run directory, read as far as it is there; nothing is cached that training changes.

    ``config`` is the file as it stands (a plain mapping, readable whatever wrote it);
    ``typed_config`` is the same, checked.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r}, {self.status})"

    def to_text(self) -> str:
        """What it is and how far, in a few lines; ``cnnlab.run_card`` says more."""
        return glance(self)

    @property
    def name(self) -> str:
        """The directory's name."""
        return self.path.name

    @property
    def checkpoints(self) -> Path:
        """The folder of checkpoints."""
        return self.path / "checkpoints"

    @property
    def best_weights(self) -> Path:
        """The weights that evaluation and everything after it use."""
        return self.checkpoints / "best.safetensors"

    @property
    def lock_file(self) -> Path:
        """The lock that whoever trains, thins out or removes the run holds."""
        return self.path / ".lock"

    @property
    def stop_file(self) -> Path:
        """Where somebody asks its training to stop; training looks for it after every step."""
        return self.path / "stop"

    @property
    def in_use(self) -> bool:
        """Whether somebody holds the run's lock just now."""
        return is_locked(self.lock_file)

    @property
    def created(self) -> datetime.datetime:
        """When it was made, in this machine's time; :class:`RunError` where it is gone."""
        return made_at(self.path)

    @cached_property
    def config(self) -> dict[str, Any]:
        """``config.yaml``: every default and every measured choice spelled out."""
        return read_config(self.path / "config.yaml")

    def typed_config(self) -> RunConfig:
        """``config.yaml``, checked."""
        return make_config([self.config], where=str(self.path / "config.yaml"))

    @property
    def settings(self) -> Record:
        """``config.yaml``, unchecked, with the defaults of settings that came after it.

        What is compared with another run: a setting that one of them does not know yet is no
        difference.
        """
        # A run resolves auto; one without the setting was trained as off says.
        return merge({**RunConfig().to_dict(), "compile": "off"}, self.config)

    @property
    def start(self) -> Record | None:
        """``init.json``: the run that it started from, what was taken, drawn anew and frozen.

        None where it started from weights that were drawn.
        """
        return self._json("init.json") if (self.path / "init.json").exists() else None

    @property
    def environment(self) -> Record:
        """``environment.json``: machine, versions, and why device, precision and so on."""
        return self._json("environment.json")

    @cached_property
    def split(self) -> Record:
        """``split.json``: ``dataset`` facts and the row indices of each part."""
        return self._json("split.json")

    def rows(self) -> Split:
        """The split's row indices."""
        parts = (np.array(self.split[part], dtype=np.int64) for part in _PARTS)
        return Split(*parts)

    @property
    def class_names(self) -> list[str]:
        """The classes, in label order."""
        return list(self.split["dataset"]["class_names"])

    @property
    def preprocessing(self) -> Record:
        """``preprocessing.json``: image size, channels, resizing, mean and std."""
        return self._json("preprocessing.json")

    @property
    def forecast(self) -> Record:
        """``forecast.json``: the bytes that it was expected to take, and those there were."""
        return self._json("forecast.json")

    @property
    def remarks(self) -> list[Record]:
        """``remarks.json``: what was remarkable before the first step (``name`` and ``text``).

        None in runs that are older than that.
        """
        if not (self.path / "remarks.json").exists():
            return []
        return list(self._json("remarks.json").get("remarks", []))

    def open_dataset(self, say: Say = unsaid, *, offline: bool = False) -> Dataset:
        """The dataset it was trained on; :class:`RunError` where that has changed since.

        ``offline``: nothing is downloaded; what is no longer on this machine is an error.
        """
        data = self.typed_config().data
        options = data.read_options()
        try:
            dataset = open_dataset(data.source, options=options, offline=offline, say=say)
        except DataError as error:
            raise error.within(f"the data of {self.path}") from None
        recorded = self.split["dataset"]["fingerprint"]
        if dataset.fingerprint != recorded:
            raise RunError(
                f"the data has changed: its fingerprint is {dataset.fingerprint[:12]}",
                where=self.path,
                expected=recorded[:12],
                todo="put the old data back, or train a new run",
            )
        return dataset

    def architecture(self) -> Architecture:
        """``architecture.yaml``, ready to build."""
        from cnnlab.models.architecture import Architecture

        path = self.path / "architecture.yaml"
        return Architecture.from_dict(load_yaml(path), source=str(path))

    @property
    def architecture_summary(self) -> Record:
        """The layer table with totals, FLOPs and memory."""
        return self.architecture().summary().to_dict()

    @property
    def metrics(self) -> list[Record]:
        """``metrics.jsonl``: a record an epoch."""
        return self._lines("metrics.jsonl")

    @property
    def timing(self) -> list[Record]:
        """``timing.jsonl``: seconds and images/s of each epoch."""
        return self._lines("timing.jsonl")

    @property
    def resources(self) -> list[Record]:
        """``resources.jsonl``: what the machine did meanwhile."""
        return self._lines("resources.jsonl")

    @property
    def ledger(self) -> list[Record]:
        """``ledger.jsonl``: each time test was opened."""
        return self._lines("ledger.jsonl")

    @property
    def inexact(self) -> list[Record]:
        """``inexact.jsonl``: after which steps it went on under which other conditions."""
        return self._lines("inexact.jsonl")

    @property
    def result(self) -> Record | None:
        """``result.json``: how training ended; None while it has not."""
        return self._json("result.json") if (self.path / "result.json").exists() else None

    @property
    def chosen_epoch(self) -> Record | None:
        """The record of the epoch whose weights the run's later stages use."""
        chosen = (self.result or {}).get("chosen_epoch")
        if chosen is None:
            return None
        wanted = (chosen["stage"], chosen["epoch"])
        records = (line for line in self.metrics if (line["stage"], line["epoch"]) == wanted)
        return next(records, None)

    @property
    def status(self) -> str:
        """ "finished", "failed", "running" (its lock is held) or "unfinished" (cut off)."""
        result = self.result
        if result is None:
            return "running" if self.in_use else "unfinished"
        return str(result.get("status", "unfinished"))

    def predictions(self, split: str) -> Predictions | None:
        """Saved logits of "validation" or "test"; None where they were never made."""
        path = self._predictions_file(split)
        if not path.exists():
            return None
        todo = "run: " + command_line("evaluate", self.path, "--split", split)
        return Predictions.read(path, todo=todo)

    def save_predictions(self, split: str, predictions: Predictions) -> None:
        """Write ``predictions/SPLIT.npz`` in one step."""
        predictions.write(self._predictions_file(split))

    def corrupted_predictions(self, split: str) -> CorruptedPredictions | None:
        """Saved answers to corrupted images of a split; None where they were never made."""
        path = self._predictions_file(f"{split}-corrupted")
        if not path.exists():
            return None
        robustness = command_line("robustness", self.path, "--split", split)
        todo = f"remove it, and run: {robustness}"
        return CorruptedPredictions.read(path, todo=todo)

    def save_corrupted_predictions(self, split: str, predictions: CorruptedPredictions) -> None:
        """Write ``predictions/SPLIT-corrupted.npz`` in one step."""
        predictions.write(self._predictions_file(f"{split}-corrupted"))

    @property
    def temperature_file(self) -> Path:
        """Where evaluation on validation writes the temperature that it fits."""
        return self.path / "predictions" / "temperature.json"

    @property
    def temperature(self) -> float | None:
        """What ``softmax(logits / temperature)`` is best calibrated with; None: not fitted."""
        if not self.temperature_file.exists():
            return None
        todo = "run: " + command_line("evaluate", self.path)
        return float(read_record(self.temperature_file, todo=todo)["temperature"])

    @property
    def group(self) -> Record | None:
        """``group.json``: the group of seeds that it is of, if it was trained as one of several."""
        return self._json("group.json") if (self.path / "group.json").exists() else None

    def _predictions_file(self, split: str) -> Path:
        return self.path / "predictions" / f"{split}.npz"

    def append(self, file: str, record: Mapping[str, Any]) -> None:
        """Append a record to one of the ``.jsonl`` files."""
        append_line(self.path / file, json.dumps(record, ensure_ascii=False))

    def keep_lines(self, file: str, count: int) -> None:
        """Cut a ``.jsonl`` file back to its first ``count`` records."""
        keep_lines(self.path / file, count)

    def _json(self, file: str) -> Record:
        return read_record(self.path / file)

    def _lines(self, file: str) -> list[Record]:
        return read_lines(self.path / file)
