"""What is known of one run, part by part, each read for itself."""

from __future__ import annotations

import json
import math
from functools import partial
from typing import Any

import numpy as np

from cnnlab.config import RunConfig
from cnnlab.errors import CnnlabError
from cnnlab.metrics import score
from cnnlab.models import load_architecture
from cnnlab.runs import Run, files_of, has_marks, open_tensors
from cnnlab.settings import changed_keys
from cnnlab.training.stages import Length, plan_stages
from cnnlab.training.start_record import start_lines_of
from cnnlab.workflows.configure import configure
from cnnlab.workflows.fine_tuning import fine_tuning
from cnnlab.workflows.tolerant import TolerantReader

__all__ = ["facts_of"]

_PARTS = ("train", "validation", "test")

#: Settings that a run resolves for itself, and those that are shown elsewhere.
_NOT_CHOSEN = (
    "compile",
    "data.source",
    "data.stratify",
    "device",
    "init",
    "model.name",
    "name",
    "precision",
    "schema_version",
    "threads",
)


def facts_of(run: Run) -> dict[str, Any]:
    """Everything that :class:`~cnnlab.workflows.run_card.RunCard` shows, as plain values."""
    reader = TolerantReader(run)
    sections = {
        name: reader.read(partial(part, run), what=what)
        for name, part, what in (
            ("group", _group, "group.json"),
            ("model", _model, "architecture.yaml"),
            ("start", start_lines_of, "init.json"),
            ("data", _data, "split.json"),
            ("machine", _machine, "environment.json"),
            ("inexact", lambda run: run.inexact, "inexact.jsonl"),
            ("changed_settings", _changed_settings, "config.yaml"),
            ("plan", _plan, "config.yaml"),
            ("training", _training, "timing.jsonl, result.json or checkpoints/best.safetensors"),
            ("validation", _validation, "predictions/validation.npz"),
            ("test", _test, "predictions/test.npz"),
            ("ledger", _ledger, "ledger.jsonl"),
        )
    }
    files = files_of(run.path)
    return {
        "run": run.name,
        "path": str(run.path),
        "status": reader.status(),
        "problems": reader.problems,
        "removable": has_marks(run.path),
        "created": run.created.isoformat(timespec="seconds"),
        **sections,
        "files": files,
        "size_bytes": sum(files.values()),
    }


def _group(run: Run) -> dict[str, Any] | None:
    """The group of seeds that it is of, None where it was trained alone."""
    if run.group is None:
        return None
    return {
        "name": str(run.group["name"]),
        "seed": int(run.config["seed"]),
        "vary_split": bool(run.group.get("vary_split", False)),
    }


def _model(run: Run) -> dict[str, Any]:
    architecture = run.architecture()
    summary = architecture.summary()
    return {
        "name": architecture.name,
        "input_shape": list(architecture.input_shape),
        "classes": architecture.classes,
        "total_params": summary.total_params,
        "trainable_params": summary.trainable_params,
        "flops": summary.flops,
    }


def _data(run: Run) -> dict[str, Any]:
    dataset = run.split["dataset"]
    return {
        "name": str(dataset["name"]),
        "origin": str(dataset["origin"]),
        "fingerprint": str(dataset["fingerprint"]),
        "class_names": list(dataset["class_names"]),
        "image_shape": list(dataset["image_shape"]),
        "split": {part: len(run.split[part]) for part in _PARTS},
    }


def _machine(run: Run) -> dict[str, Any]:
    environment = run.environment
    choices = environment["choices"]
    return {
        "device": str(choices["device"]["name"]),
        "precision": str(choices["precision"]["name"]),
        "compiled": choices.get("compile", {}).get("name") == "on",
        "threads": int(choices["threads"]),
        "processor": str(environment.get("accelerator", environment["processor"])),
        "cnnlab": str(environment["versions"]["cnnlab"]),
    }


def _changed_settings(run: Run) -> dict[str, Any]:
    """Setting -> value and default, where the run's differs from what its model brings along."""
    config = run.typed_config()
    default, chosen = _defaults(run, config), config.to_dict()
    return {
        key: {"value": _at(chosen, key), "default": _at(default, key)}
        for key in changed_keys(default, chosen)
        if key not in _NOT_CHOSEN
    }


def _defaults(run: Run, config: RunConfig) -> dict[str, Any]:
    name, init = config.model.name, config.init
    learning = fine_tuning(init.freeze) if init is not None else {}
    try:
        defaults = configure(settings={"model": {"name": name}, **learning})
        architecture = run.architecture()
        params = load_architecture(
            name, input_shape=architecture.input_shape, classes=architecture.classes
        ).params
    except CnnlabError:  # the file of the user's model is gone or has changed
        return RunConfig(model=config.model).to_dict()
    return defaults.updated(model={"params": params}).to_dict()


def _at(settings: Any, key: str) -> Any:
    """The value of a dotted key; None where there is none."""
    for part in key.split("."):
        settings = settings.get(part) if isinstance(settings, dict) else None
    return settings


def _plan(run: Run) -> dict[str, int]:
    """How long it was to be trained at most: stages, and epochs of each."""
    training = run.typed_config().training
    stages = plan_stages(np.array(run.split["train"], dtype=np.int64), training)
    lengths = [Length.of(len(stage.train), training) for stage in stages]
    return {"stages": len(stages), "epochs": max(length.epochs for length in lengths)}


def _training(run: Run) -> dict[str, Any]:
    result = run.result or {}
    seconds = sum(_number(line["seconds"]) for line in run.timing)
    chosen, reason = result.get("chosen_epoch"), result.get("stopped_because")
    return {
        "epochs": len(run.metrics),
        "chosen_epoch": _place(chosen) if chosen else _epoch_of_best(run),
        "train_seconds": _number(result.get("train_seconds", seconds)),
        "images_per_second": _number(result["images_per_second"]) if result else None,
        "stopped_because": None if reason is None else str(reason),
    }


def _number(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{value} is no finite number")
    return number


def _place(record: dict[str, Any]) -> dict[str, int]:
    return {key: int(record[key]) for key in ("stage", "epoch")}


def _epoch_of_best(run: Run) -> dict[str, int] | None:
    """Stage and epoch of the best weights so far, from their file's header."""
    from safetensors import SafetensorError

    if not run.best_weights.exists():
        return None
    try:
        with open_tensors(run.best_weights, "numpy") as stream:
            return _place(json.loads(stream.metadata()["cnnlab"]))
    except SafetensorError as error:
        raise ValueError(f"{run.best_weights.name}: {error}") from error


def _scores(run: Run, split: str) -> dict[str, Any] | None:
    predictions = run.predictions(split)
    if predictions is None:
        return None
    scores = score(predictions.logits, predictions.labels)
    return {
        "n": scores.n,
        "top1": scores.top1,
        "top1_interval": list(scores.top1_interval),
        "macro_f1": scores.macro_f1,
        "nll": scores.nll,
        "ece": scores.ece,
    }


def _validation(run: Run) -> dict[str, Any] | None:
    return _scores(run, "validation")


def _test(run: Run) -> dict[str, Any] | None:
    return _scores(run, "test")


def _ledger(run: Run) -> list[dict[str, Any]]:
    return [
        {
            "time": str(line["time"]),
            "command": str(line["command"]),
            "split": str(line["split"]),
            "n": int(line["n"]),
            "top1": _number(line["top1"]),
        }
        for line in run.ledger
    ]
