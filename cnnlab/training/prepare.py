"""From a configuration to a run directory in which everything is decided, before step one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from cnnlab.config import RunConfig, TrainingConfig
from cnnlab.data import open_dataset, settled_options, settled_source
from cnnlab.data.dataset import Dataset
from cnnlab.data.split import Split, draw_split
from cnnlab.device import choose_device, choose_precision, describe_machine
from cnnlab.errors import ConfigError, DataError
from cnnlab.inference import Preprocessing, measure_preprocessing
from cnnlab.models import MODELS, Architecture, load_architecture
from cnnlab.runs import Run, create_run
from cnnlab.settings import dump_yaml
from cnnlab.training.events import Notice, Watcher
from cnnlab.training.stages import Stage, plan_stages

__all__ = ["Prepared", "prepare_new_run", "prepare_resumed_run"]

#: Below so many images a random split may leave classes badly divided, so it is stratified.
_STRATIFY_BELOW = 20_000


@dataclass(frozen=True, eq=False)
class Prepared:
    """All that the training loop works on."""

    run: Run
    config: RunConfig
    dataset: Dataset
    split: Split
    architecture: Architecture
    preprocessing: Preprocessing


def _read_dataset(config: RunConfig, watch: Watcher) -> Dataset:
    """Open the dataset that a configuration names, saying what a user should know of it."""
    data = config.data
    dataset = open_dataset(
        data.source, options=data.read_options(), say=lambda line: watch(Notice(line))
    )
    if len(dataset.class_names) < 2:
        raise DataError(
            "has one class only", where=config.data.source, expected="at least two classes"
        )
    return dataset


def _resolve(config: RunConfig, dataset: Dataset) -> tuple[RunConfig, dict[str, Any]]:
    """Spell out what depends on the machine and the data; return it with the reasons."""
    device = choose_device(config.device)
    precision = choose_precision(config.precision, device.name)
    threads = config.threads or torch.get_num_threads()
    stratify = config.data.stratify
    model = config.model.name
    resolved = config.updated(
        device=device.name,
        precision=precision.name,
        threads=threads,
        data={
            **settled_options(config.data.source, config.data.options()),
            "stratify": len(dataset) < _STRATIFY_BELOW if stratify is None else stratify,
            "source": settled_source(config.data.source),
        },
        model={"name": model if model in MODELS else str(Path(model).expanduser().resolve())},
    )
    reasons = {
        "device": {"name": device.name, "reason": device.reason},
        "precision": {"name": precision.name, "reason": precision.reason},
        "threads": threads,
    }
    return resolved, reasons


def _dataset_facts(dataset: Dataset) -> dict[str, Any]:
    return {
        "name": dataset.name,
        "fingerprint": dataset.fingerprint,
        "class_names": list(dataset.class_names),
        "image_shape": list(dataset.image_shape),
        "images": len(dataset),
        "parts": dict(dataset.parts),
        "origin": dataset.origin,
        "notes": list(dataset.notes),
    }


def _check_watched(stages: list[Stage], split: Split, training: TrainingConfig) -> None:
    """Early stopping needs images to watch."""
    watched = len(split.validation) or all(len(stage.inner) for stage in stages)
    if training.early_stopping is not None and not watched:
        raise ConfigError(
            "there is no validation image to watch",
            where="training.early_stopping",
            todo="set data.validation or training.inner_validation, or early_stopping=null",
        )


def prepare_new_run(config: RunConfig, runs: Path, watch: Watcher) -> Prepared:
    """Decide everything, check that it fits, and write the run directory's first files.

    Whatever cannot work (data, layers that do not fit, stages without images) is an error here,
    before anything is written.
    """
    dataset = _read_dataset(config, watch)
    config, reasons = _resolve(config, dataset)
    sizes, data = config.data.sizes(), config.data
    split = draw_split(dataset, sizes, seed=data.split_seed, stratify=bool(data.stratify))
    _check_watched(plan_stages(split.train, config.training), split, config.training)
    architecture = load_architecture(
        config.model.name,
        input_shape=dataset.image_shape,
        classes=len(dataset.class_names),
        params=config.model.params,
    )
    stem, exact = config.name, config.name is not None
    # A name belongs to one run; the configuration may be trained again.
    config = config.updated(name=None, model={"params": architecture.params})
    summary = architecture.summary().to_text()
    preprocessing = measure_preprocessing(
        dataset.images, split.train, config.normalization, mirror=config.mirror
    )
    stem = stem or f"{architecture.name}-{dataset.name}".lower().replace(" ", "-")
    environment = {**describe_machine(config.device), "choices": reasons}
    run = create_run(
        runs,
        "".join(letter if letter.isalnum() or letter in "._+-" else "-" for letter in stem)[:100],
        {
            "config.yaml": config.to_yaml(),
            "environment.json": environment,
            "split.json": {
                "dataset": _dataset_facts(dataset),
                "seed": data.split_seed,
                "stratified": data.stratify,
                **{part: split.rows(part).tolist() for part in ("train", "validation", "test")},
            },
            "architecture.yaml": dump_yaml(architecture.to_dict()),
            "summary.txt": summary + "\n",
            "preprocessing.json": preprocessing.to_dict(),
        },
        exact=exact,
    )
    return Prepared(run, config, dataset, split, architecture, preprocessing)


def prepare_resumed_run(run: Run, watch: Watcher) -> Prepared:
    """Read everything back; :class:`RunError` where the data is no longer the same."""
    config = run.typed_config()
    dataset = run.open_dataset(lambda line: watch(Notice(line)))
    # The device of the run must be here: going on elsewhere would give other weights.
    choose_device(config.device)
    return Prepared(
        run,
        config,
        dataset,
        run.rows(),
        run.architecture(),
        Preprocessing.from_dict(run.preprocessing),
    )
