"""``cnnlab train``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from cnnlab.cli.options import Json, Offline, Overrides, RunsFolder, go_offline
from cnnlab.cli.output import print_json, print_text
from cnnlab.errors import ConfigError

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


def _nested(values: dict[str, Any]) -> dict[str, Any]:
    from cnnlab.settings import merge

    settings: dict[str, Any] = {}
    for option, value in values.items():
        if value is None:
            continue
        nested: Any = value
        for key in reversed(_SETTINGS[option].split(".")):
            nested = {key: nested}
        settings = merge(settings, nested)
    return settings


def _seconds(text: str | None, option: str) -> float | None:
    from cnnlab.settings import parse_duration

    return None if text is None else parse_duration(text, where=option)


def train(
    model: Annotated[str | None, typer.Option(help="A model's name, or your YAML file.")] = None,
    data: Annotated[
        str | None, typer.Option(help="A dataset's name, or the path of your own images.")
    ] = None,
    init: Annotated[
        str | None,
        typer.Option(metavar="RUN", help="Start from this run's network, for other classes too."),
    ] = None,
    freeze: Annotated[
        str | None,
        typer.Option(
            metavar="WHICH",
            help="With --init: none, features (all but the head), or a layer and all before it.",
        ),
    ] = None,
    recipe: Annotated[str | None, typer.Option(help="A named, complete configuration.")] = None,
    config: Annotated[
        Path | None, typer.Option(help="A YAML file of settings, e.g. a run's config.yaml.")
    ] = None,
    resume: Annotated[
        str | None, typer.Option(metavar="RUN", help="Go on with a run that was cut off.")
    ] = None,
    epochs: Annotated[str | None, typer.Option(metavar="N", help="Epochs (of each stage).")] = None,
    time_limit: Annotated[
        str | None, typer.Option(metavar="TIME", help="Stop after so much training, e.g. 90s, 2m.")
    ] = None,
    batch_size: Annotated[str | None, typer.Option(metavar="N", help="Images a step.")] = None,
    lr: Annotated[str | None, typer.Option(metavar="RATE", help="Learning rate (peak).")] = None,
    optimizer: Annotated[str | None, typer.Option(help="adam, adamax, sgd or muon.")] = None,
    seed: Annotated[
        str | None, typer.Option(metavar="N", help="Of weights, order, dropout.")
    ] = None,
    split_seed: Annotated[str | None, typer.Option(metavar="N", help="Of the split.")] = None,
    image_size: Annotated[
        str | None, typer.Option(metavar="PIXELS", help="Side of the images (folders).")
    ] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda or mps.")] = None,
    precision: Annotated[str | None, typer.Option(help="auto, fp32 or bf16.")] = None,
    name: Annotated[str | None, typer.Option(help="The run's name.")] = None,
    runs: RunsFolder = Path("runs"),
    checkpoint_every: Annotated[
        str | None, typer.Option(metavar="TIME", help="Between checkpoints (60s).")
    ] = None,
    overrides: Overrides = None,
    offline: Offline = False,
    as_json: Json = False,
) -> None:
    """Train a network and say what validation shows."""
    go_offline(offline)
    values = {
        "--model": model,
        "--init": init,
        "--freeze": freeze,
        "--data": data,
        "--image-size": image_size,
        "--split-seed": split_seed,
        "--epochs": epochs,
        "--batch-size": batch_size,
        "--time-limit": _seconds(time_limit, "--time-limit"),
        "--checkpoint-every": _seconds(checkpoint_every, "--checkpoint-every"),
        "--lr": lr,
        "--optimizer": optimizer,
        "--seed": seed,
        "--device": device,
        "--precision": precision,
        "--name": name,
    }
    settings = _nested(values)
    labels = {_SETTINGS[option]: option for option, value in values.items() if value is not None}
    if resume is not None and (settings or recipe or config or overrides):
        raise ConfigError(
            "--resume goes on with the run's own configuration",
            expected="no other setting beside it",
            todo="start a new run with --config to change something",
        )
    asked = {"recipe": recipe, "file": config, "settings": settings, "overrides": overrides or []}
    _train({**asked, "labels": labels}, resume, runs, as_json)


def _train(asked: dict[str, Any], resume: str | None, runs: Path, as_json: bool) -> None:
    from cnnlab.cli.progress import TrainingDisplay
    from cnnlab.runs import open_run
    from cnnlab.workflows.configure import configure
    from cnnlab.workflows.train import resume_and_evaluate, train_and_evaluate

    with TrainingDisplay() as display:
        if resume is not None:
            trained = resume_and_evaluate(open_run(resume, runs=runs), display)
        else:
            trained = train_and_evaluate(configure(**asked, runs=runs), runs, display)
    if as_json:
        print_json(trained.to_dict())
    else:
        print_text(trained.to_text())
