"""Options of the verbs that train: said once, and turned into what ``configure`` takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cnnlab.cli.options import Device

if TYPE_CHECKING:
    from cnnlab.training.events import Watcher
    from cnnlab.workflows.executors import Executor

__all__ = [
    "WHO",
    "Address",
    "BatchSize",
    "Config",
    "Data",
    "Device",
    "ExecutorName",
    "Freeze",
    "Gpus",
    "ImageSize",
    "Init",
    "Model",
    "Optimizer",
    "Precision",
    "Recipe",
    "Seed",
    "SplitSeed",
    "Who",
    "Workers",
    "asked_for",
    "executor_for",
]

Model = Annotated[str | None, typer.Option("--model", help="A model's name, or your YAML file.")]
Data = Annotated[
    str | None,
    typer.Option("--data", help="A dataset's name, or the path of your own images."),
]
Init = Annotated[
    str | None,
    typer.Option(
        "--init", metavar="RUN", help="Start from this run's network, for other classes too."
    ),
]
Freeze = Annotated[
    str | None,
    typer.Option(
        "--freeze",
        metavar="WHICH",
        help="With --init: none, features (all but the head), or a layer and all before it.",
    ),
]
Recipe = Annotated[str | None, typer.Option("--recipe", help="A named, complete configuration.")]
Config = Annotated[
    Path | None, typer.Option("--config", help="A YAML file of settings, e.g. a run's config.yaml.")
]
BatchSize = Annotated[str | None, typer.Option("--batch-size", metavar="N", help="Images a step.")]
Optimizer = Annotated[str | None, typer.Option("--optimizer", help="adam, adamax, sgd or muon.")]
Seed = Annotated[
    str | None, typer.Option("--seed", metavar="N", help="Of weights, order, dropout.")
]
SplitSeed = Annotated[str | None, typer.Option("--split-seed", metavar="N", help="Of the split.")]
ImageSize = Annotated[
    str | None,
    typer.Option("--image-size", metavar="PIXELS", help="Side of the images (folders)."),
]
Precision = Annotated[str | None, typer.Option("--precision", help="auto, fp32 or bf16.")]
ExecutorName = Annotated[
    str | None,
    typer.Option(
        "--executor",
        metavar="NAME",
        help="Who trains: in-process (one by one), local (this machine's cores, GPUs), ray.",
    ),
]
Workers = Annotated[
    int | None,
    typer.Option("--workers", metavar="N", help="Trainings at the same time (local, ray)."),
]
Address = Annotated[
    str | None,
    typer.Option("--address", metavar="HOST:PORT", help="Of a Ray cluster; else one is started."),
]
Gpus = Annotated[
    float | None,
    typer.Option("--gpus", metavar="SHARE", help="Of a GPU, for each training, e.g. 0.5."),
]

#: Who trains, as :func:`executor_for` takes it, and the options that say it.
Who = tuple[str | None, int | None, str | None, float | None]
WHO = ("--executor", "--workers", "--address", "--gpus")

#: Option -> the setting that it gives.
_SETTINGS = {
    "--model": "model.name",
    "--init": "init.run",
    "--freeze": "init.freeze",
    "--data": "data.source",
    "--image-size": "data.image_size",
    "--split-seed": "data.split_seed",
    "--epochs": "training.epochs",
    "--batch-size": "training.batch_size",
    "--time-limit": "training.time_limit_seconds",
    "--checkpoint-every": "training.checkpoint_every_seconds",
    "--lr": "optimizer.lr",
    "--optimizer": "optimizer.name",
    "--seed": "seed",
    "--device": "device",
    "--precision": "precision",
    "--name": "name",
}


_DURATIONS = ("--time-limit", "--checkpoint-every")


def asked_for(
    arguments: Mapping[str, Any], *, overrides: Sequence[str] | None = None
) -> dict[str, Any]:
    """What :func:`cnnlab.workflows.configure.configure` is to be called with.

    ``arguments`` are a verb's own, by parameter: its ``locals()`` before it has others. None is
    what was not given; what is no setting is passed over. Errors will call a setting by its option.
    """
    from cnnlab.settings import parse_duration

    given = {
        option: value
        for option in _SETTINGS
        if (value := arguments.get(option.removeprefix("--").replace("-", "_"))) is not None
    }
    for option in _DURATIONS:
        if option in given:
            given[option] = parse_duration(given[option], where=option)
    return {
        "recipe": arguments.get("recipe"),
        "file": arguments.get("config"),
        "settings": _nested(given),
        "overrides": overrides or [],
        "labels": {_SETTINGS[option]: option for option in given},
    }


def _nested(given: Mapping[str, Any]) -> dict[str, Any]:
    from cnnlab.settings import merge

    settings: dict[str, Any] = {}
    for option, value in given.items():
        nested: Any = value
        for key in reversed(_SETTINGS[option].split(".")):
            nested = {key: nested}
        settings = merge(settings, nested)
    return settings


def executor_for(
    name: str | None,
    workers: int | None,
    address: str | None,
    gpus: float | None,
    watch: Watcher,
) -> Executor:
    """The executor that the options ask for; none of them: this process, one by one.

    An address alone means Ray, workers or GPUs alone mean this machine's. Raises ``InputError``
    for what it does not take, and where its package is missing.
    """
    from cnnlab.workflows.executors import EXECUTORS

    meant = "ray" if address else "in-process" if workers is None and gpus is None else "local"
    return EXECUTORS.get(name or meant)(workers, address, gpus, watch)
