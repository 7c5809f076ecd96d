"""Run directories as training leaves them, made without training."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch

from cnnlab.config import RunConfig
from cnnlab.models.architecture import Architecture
from cnnlab.runs import Predictions, Run, create_run
from cnnlab.settings import dump_yaml
from cnnlab.training.checkpoint import save_tensors

_LAYERS = (
    {"type": "Conv2D", "filters": 4, "kernel_size": 3},
    {"type": "GlobalAveragePooling2D"},
    {"type": "Dense", "units": "classes"},
)
_PREPROCESSING = {
    "mean": [0.5] * 3,
    "std": [0.25] * 3,
    "image_size": [8, 8],
    "resize": "squash",
    "mirror": False,
}
_ENVIRONMENT = {
    "processor": "A Processor",
    "versions": {"cnnlab": "0.1.0"},
    "choices": {
        "device": {"name": "cpu", "reason": "asked for"},
        "precision": {"name": "fp32", "reason": "asked for"},
        "threads": 1,
    },
}


def make_run(folder: Path, name: str, *, status: str | None = "finished") -> Run:
    """A run of two epochs with weights, two checkpoints and validation predictions.

    ``status`` None: it was cut off.
    """
    architecture = Architecture(name="tiny", input_shape=(8, 8, 3), classes=2, layers=_LAYERS)
    facts = {
        "name": "pets",
        "fingerprint": "0123456789abcdef" * 4,
        "class_names": ["cat", "dog"],
        "image_shape": [8, 8, 3],
        "origin": "a folder",
    }
    split = {"train": list(range(6)), "validation": [6, 7, 8, 9], "test": [10, 11]}
    files = {
        "config.yaml": RunConfig().updated(training={"epochs": 2}).to_yaml(),
        "environment.json": _ENVIRONMENT,
        "preprocessing.json": _PREPROCESSING,
        "split.json": {"dataset": facts, **split},
        "architecture.yaml": dump_yaml(architecture.to_dict()),
    }
    run = create_run(folder, name, files, exact=True)
    weights = {
        f"model.{key}": value for key, value in architecture.build().state_dict().items()
    } | {"optimizer.0.exp_avg": torch.zeros(1000)}
    for step in (10, 20):
        save_tensors(run.checkpoints / f"last-{step:09d}.safetensors", weights, {"step": step})
    del weights["optimizer.0.exp_avg"]
    save_tensors(run.best_weights, weights, {"stage": 1, "epoch": 2, "step": 20})
    for epoch in (1, 2):
        record = {"stage": 1, "epoch": epoch, "train_loss": 1.0, "train_accuracy": 0.5}
        run.append("metrics.jsonl", record)
        run.append("timing.jsonl", {"stage": 1, "epoch": epoch, "seconds": 1.5})
    logits = np.array([[1, 0], [1, 0], [0, 1], [1, 0]], dtype=np.float32)
    rows = np.array(split["validation"])
    run.save_predictions("validation", Predictions(logits, np.array([0, 0, 1, 1]), rows))
    if status is not None:
        result = {
            "status": status,
            "stopped_because": "all epochs done",
            "epochs": 2,
            "chosen_epoch": {"stage": 1, "epoch": 2},
            "train_seconds": 3.0,
            "images_per_second": 4.0,
        }
        (run.path / "result.json").write_text(json.dumps(result), encoding="utf-8")
    return run
