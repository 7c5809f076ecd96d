"""Run directories as training and evaluation leave them, made without training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnlab.config import RunConfig
from cnnlab.data import open_dataset
from cnnlab.data.dataset import Dataset
from cnnlab.models import load_architecture
from cnnlab.reports import build_document
from cnnlab.reports.document import Document
from cnnlab.runs import Predictions, Run, create_run
from cnnlab.settings import dump_yaml

CIFAR_NAMES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)

MakeRun = Callable[..., Run]

ENVIRONMENT = {
    "system": "Linux 6.1",
    "machine": "x86_64",
    "processor": "A Processor",
    "cores": 2,
    "memory_bytes": 8 << 30,
    "python": "3.11.9",
    "versions": {"cnnlab": "0.1.0", "torch": "2.13.0"},
    "source_revision": "0123456789ab",
    "choices": {
        "device": {"name": "cpu", "reason": "asked for"},
        "precision": {"name": "fp32", "reason": "this processor does not compute in bf16"},
        "threads": 2,
    },
}


PREPROCESSING = {
    "mean": [0.4914, 0.4822, 0.4465],
    "std": [0.247, 0.2435, 0.2616],
    "image_size": [32, 32],
    "resize": "squash",
    "mirror": False,
}

#: Where the images of most runs here were, and are no longer.
GONE = "/gone/images"


def _split(
    names: Sequence[str], sizes: tuple[int, int, int], dataset: str, data: Dataset | None
) -> dict[str, Any]:
    train, validation, test = sizes
    return {
        "dataset": {
            "name": dataset,
            "fingerprint": data.fingerprint if data else "0123456789abcdef" * 4,
            "class_names": list(names),
            "image_shape": [32, 32, 3],
            "images": sum(sizes),
            "parts": {"train": train + validation, "test": test},
            "origin": "an archive",
            "notes": ["ignored 1 file: .DS_Store"],
        },
        "seed": 0,
        "stratified": True,
        "train": list(range(train)),
        "validation": list(range(train, train + validation)),
        "test": list(range(train + validation, sum(sizes))),
    }


def _predictions(
    rows: Sequence[int], classes: int, *, right: float, seed: int, data: Dataset | None
) -> Predictions:
    rng = np.random.default_rng([seed, len(rows)])
    labels = np.arange(len(rows), dtype=np.int64) % classes
    if data is not None:
        labels = np.array(data.labels[np.asarray(rows)])
    logits = rng.normal(size=(len(rows), classes)).astype(np.float32)
    said = np.where(rng.random(len(rows)) < right, labels, rng.integers(0, classes, len(rows)))
    logits[np.arange(len(rows)), said] += 6
    return Predictions(logits, labels, np.asarray(rows, dtype=np.int64))


def _epochs(stages: Sequence[int], *, inner: bool) -> list[dict[str, Any]]:
    lines = []
    for stage, epochs in enumerate(stages, start=1):
        for epoch in range(1, epochs + 1):
            loss = 2.3 / (stage + 0.5 * epoch)
            line: dict[str, Any] = {"stage": stage, "epoch": epoch, "step": 100 * epoch, "lr": 1e-3}
            line |= {"train_loss": loss, "train_accuracy": 1 - loss / 3}
            name = "inner" if inner else "validation"
            line |= {f"{name}_loss": loss + 0.2, f"{name}_accuracy": 0.9 - loss / 3}
            lines.append(line)
    return lines


@pytest.fixture(scope="session")
def make_run(tmp_path_factory: pytest.TempPathFactory) -> MakeRun:
    """Make a run directory; ``stages`` holds the epochs of each stage done."""

    def make(
        name: str = "first",
        *,
        model: str = "model-c",
        names: Sequence[str] = CIFAR_NAMES,
        dataset: str = "CIFAR-10",
        sizes: tuple[int, int, int] = (400, 200, 100),
        stages: Sequence[int] = (3,),
        inner: bool = False,
        evaluated: Sequence[str] = ("validation", "test"),
        right: float = 0.8,
        status: str | None = "finished",
        temperature: float | None = 55.0,
        folder: Path | None = None,
        config: RunConfig | None = None,
        data: Dataset | None = None,
    ) -> Run:
        folder = folder or tmp_path_factory.mktemp("runs")
        config = config or RunConfig().updated(
            name=name, model={"name": model}, data={"source": GONE}
        )
        architecture = load_architecture(model, input_shape=(32, 32, 3), classes=len(names))
        files = {
            "config.yaml": config.to_yaml(),
            "environment.json": ENVIRONMENT,
            "split.json": _split(names, sizes, dataset, data),
            "preprocessing.json": PREPROCESSING,
            "architecture.yaml": dump_yaml(architecture.to_dict()),
        }
        if status is not None:
            files["result.json"] = {
                "status": status,
                "stopped_because": "all epochs done" if status == "finished" else "the loss is nan",
                "epochs": sum(stages),
                "chosen_epoch": {"stage": len(stages), "epoch": stages[-1]} if stages else None,
                "train_seconds": 83.4,
                "images_per_second": 1234.5,
            }
        run = create_run(folder, name, files, exact=True)
        for number, line in enumerate(_epochs(stages, inner=inner)):
            run.append("metrics.jsonl", line)
            timing = {"seconds": 20.0 + number, "images_per_second": 1200.0}
            run.append("timing.jsonl", {"stage": line["stage"], "epoch": line["epoch"], **timing})
            sample = {"seconds": 2.0 * number, "cpu_percent": 97.0, "memory_bytes": 9e8 + number}
            run.append("resources.jsonl", {**sample, "temperature_celsius": temperature})
        for split in evaluated:
            seed = len(name + split)
            saved = _predictions(run.split[split], len(names), right=right, seed=seed, data=data)
            run.save_predictions(split, saved)
            if split == "test":
                top1 = float((saved.classes == saved.labels).mean())
                run.append(
                    "ledger.jsonl",
                    {
                        "time": "2026-01-02T03:04:05+00:00",
                        "command": f"cnnlab evaluate {name} --split test",
                        "split": "test",
                        "n": len(saved.labels),
                        "top1": top1,
                    },
                )
        return run

    return make


#: Class names that are trouble in HTML, Markdown, formulas or files.
ODD_NAMES = (
    "<script>alert(1)</script>",
    "$x^2$ & \\alpha &lt;",
    "|pipe| `tick` *star*",
    "猫 über “naïve”",
    "line\nbreak",
    "1. [link](http://example.invalid/x.png)",
)


@pytest.fixture(scope="session")
def odd_run(make_run: MakeRun) -> Run:
    """A finished run of four stages, both splits evaluated, its classes oddly named."""
    return make_run("odd", names=ODD_NAMES, stages=(2, 1, 3, 2), inner=True, dataset="my <data>")


@pytest.fixture(scope="session")
def pictured_run(make_run: MakeRun) -> Run:
    """A finished run whose images can be had: drawn shapes, of which some stand twice."""
    options = {"source": "shapes", "size": 700, "duplicates": 0.05}
    config = RunConfig().updated(name="pictured", model={"name": "model-c"}, data=options)
    data = open_dataset("shapes", options=config.data.read_options())
    names = data.class_names
    return make_run("pictured", names=names, dataset=data.name, config=config, data=data)


@pytest.fixture(scope="session")
def document(odd_run: Run) -> Document:
    """The report of one run."""
    return build_document([odd_run])


@pytest.fixture(scope="session")
def comparison_document(make_run: MakeRun) -> Document:
    """The report of two runs on the same images."""
    second = make_run("second", model="model-b", right=0.5, evaluated=("validation",))
    return build_document([make_run("first"), second])


@pytest.fixture(scope="session")
def odd_names() -> list[str]:
    """The class names of ``odd_run``."""
    return list(ODD_NAMES)
