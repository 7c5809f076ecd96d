"""``cnnlab train``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cnnlab.cli import training_options as options
from cnnlab.cli.devices import Devices, check_devices, on_devices
from cnnlab.cli.following import Track, followed
from cnnlab.cli.options import Json, Offline, Overrides, RunsFolder, go_offline
from cnnlab.cli.output import print_json, print_text
from cnnlab.errors import ConfigError, DivergedError

if TYPE_CHECKING:
    from cnnlab.config import RunConfig
    from cnnlab.workflows.seeds import SeedsTrained
    from cnnlab.workflows.train import Trained


def _seconds(text: str | None, option: str) -> float | None:
    from cnnlab.settings import parse_duration

    return None if text is None else parse_duration(text, where=option)


def train(
    context: typer.Context,
    model: options.Model = None,
    data: options.Data = None,
    init: options.Init = None,
    freeze: options.Freeze = None,
    recipe: options.Recipe = None,
    config: options.Config = None,
    resume: Annotated[
        str | None, typer.Option(metavar="RUN", help="Go on with a run that was cut off.")
    ] = None,
    inexact: Annotated[
        bool,
        typer.Option(
            "--inexact",
            help="With --resume: also on another machine, with another torch or other --devices.",
        ),
    ] = False,
    epochs: Annotated[str | None, typer.Option(metavar="N", help="Epochs (of each stage).")] = None,
    time_limit: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="As much training as fits, e.g. 90s, 2m; with --epochs: stop then."
        ),
    ] = None,
    batch_size: options.BatchSize = None,
    lr: Annotated[str | None, typer.Option(metavar="RATE", help="Learning rate (peak).")] = None,
    optimizer: options.Optimizer = None,
    seed: options.Seed = None,
    seeds: Annotated[
        str | None,
        typer.Option(
            metavar="N", help="Train N times, or with these seeds (0,1,2); skips what has ended."
        ),
    ] = None,
    split_seed: options.SplitSeed = None,
    vary_split: Annotated[
        bool, typer.Option("--vary-split", help="With --seeds: each draws its own split, too.")
    ] = False,
    executor: options.ExecutorName = None,
    workers: options.Workers = None,
    address: options.Address = None,
    gpus: options.Gpus = None,
    image_size: options.ImageSize = None,
    device: options.Device = None,
    devices: Devices = None,
    precision: options.Precision = None,
    name: Annotated[str | None, typer.Option(help="The run's name.")] = None,
    runs: RunsFolder = Path("runs"),
    checkpoint_every: Annotated[
        str | None, typer.Option(metavar="TIME", help="Between checkpoints (60s).")
    ] = None,
    track: Track = None,
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
    asked = options.asked_for(values, recipe=recipe, config=config, overrides=overrides)
    if resume is not None and (asked["settings"] or recipe or config or overrides):
        raise ConfigError(
            "--resume goes on with the run's own configuration",
            expected="no other setting beside it",
            todo="start a new run with --config to change something",
        )
    if inexact and resume is None:
        raise ConfigError("--inexact is for --resume", expected="--resume RUN beside it")
    if vary_split and seeds is None:
        raise ConfigError("--vary-split is for --seeds", expected="--seeds N beside it")
    who, processes = (executor, workers, address, gpus), check_devices(devices, seeds)
    if seeds is None:
        _check_one(who)
    else:
        _check_seeds(asked, resume)
        several = _train_seeds(asked, seeds, runs, track, vary_split=vary_split, who=who)
        _show(several, as_json=as_json)
        if several.failed:
            raise DivergedError(f"{len(several.failed)} of {len(several.runs)} trainings")
        return

    def work() -> None:
        if resume is None:
            trained = _train(asked, runs, track)
        else:
            trained = _resume(resume, runs, track, inexact=inexact)
        _show(trained, as_json=as_json)

    on_devices(processes, context.obj, work)


def _show(trained: Trained | SeedsTrained, *, as_json: bool) -> None:
    if as_json:
        print_json(trained.to_dict())
    else:
        print_text(trained.to_text())


def _train(asked: dict[str, Any], runs: Path, track: Track) -> Trained:
    from cnnlab.workflows.budget import configure_in_time
    from cnnlab.workflows.train import train_and_evaluate

    with followed(track) as watch:
        config = configure_in_time(**asked, runs=runs, watch=watch)
        return train_and_evaluate(config, runs, watch)


def _check_one(who: options.Who) -> None:
    """Options that are for several trainings."""
    for option, value in zip(options.WHO, who, strict=True):
        if value is not None:
            raise ConfigError(f"{option} is for --seeds", expected="--seeds N beside it")


def _check_seeds(asked: dict[str, Any], resume: str | None) -> None:
    """Options that contradict several seeds."""
    if resume is not None:
        raise ConfigError(
            "--resume goes on with one run",
            where="--seeds",
            todo="type the command that began them again: what was cut off goes on",
        )
    if "seed" in asked["settings"]:
        raise ConfigError("--seed says one seed", where="--seeds", todo="leave one of them out")


def _train_seeds(
    asked: dict[str, Any],
    seeds: str,
    runs: Path,
    track: Track,
    *,
    vary_split: bool,
    who: options.Who,
) -> SeedsTrained:
    from cnnlab.workflows.budget import configure_in_time
    from cnnlab.workflows.configure import configure
    from cnnlab.workflows.seeds import parse_seeds, train_seeds

    numbers = parse_seeds(seeds)
    with followed(track) as watch:

        def plan() -> RunConfig:
            return configure_in_time(**asked, runs=runs, watch=watch)

        wanted = configure(**asked, runs=runs)
        trained = train_seeds(
            wanted,
            numbers,
            runs,
            watch,
            plan=plan,
            vary_split=vary_split,
            executor=options.executor_for(*who, watch),
        )
        watch.catch_up(trained.runs)
        return trained


def _resume(run: str, runs: Path, track: Track, *, inexact: bool) -> Trained:
    from cnnlab.runs import open_run
    from cnnlab.workflows.train import resume_and_evaluate

    opened = open_run(run, runs=runs)
    with followed(track, opened) as watch:
        return resume_and_evaluate(opened, watch, inexact=inexact)
