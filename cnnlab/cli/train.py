"""``cnnlab train``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cnnlab.cli import training_options as options
from cnnlab.cli.devices import Devices, check_devices, on_devices
from cnnlab.cli.following import Track, followed
from cnnlab.cli.options import Json, Offline, RunsFolder, go_offline
from cnnlab.cli.output import print_result
from cnnlab.errors import ConfigError, DivergedError

if TYPE_CHECKING:
    from cnnlab.config import RunConfig
    from cnnlab.workflows.grid import Axis, GridTrained
    from cnnlab.workflows.seeds import SeedsTrained
    from cnnlab.workflows.train import Trained


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
    overrides: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Any setting, e.g. training.augment.flip=random; KEY=A,B,... trains each.",
        ),
    ] = None,
    offline: Offline = False,
    as_json: Json = False,
) -> None:
    """Train a network and say what validation shows."""
    arguments = locals()
    go_offline(offline)
    plain, axes = _divided(overrides)
    asked = options.asked_for(arguments, overrides=plain)
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
    who = (executor, workers, address, gpus)
    processes = check_devices(devices, "several" if axes else seeds)
    if seeds is None and not axes:
        _check_one(who)
    elif seeds is not None:
        _check_seeds(asked, resume)
    if seeds is not None or axes:
        several = _train_several(asked, axes, seeds, runs, track, vary_split=vary_split, who=who)
        print_result(several, as_json)
        if several.failed:
            raise DivergedError(f"{len(several.failed)} of {len(several.runs)} trainings failed")
        return

    def work() -> None:
        if resume is None:
            trained = _train(asked, runs, track)
        else:
            trained = _resume(resume, runs, track, inexact=inexact)
        print_result(trained, as_json)

    on_devices(processes, context.obj, work)


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
            raise ConfigError(
                f"{option} is for several trainings",
                expected="--seeds N or --set KEY=A,B beside it",
            )


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


def _divided(overrides: list[str] | None) -> tuple[list[str], list[Axis]]:
    """Settings of one value, and those of several; most commands have none of these."""
    if not any("," in text for text in overrides or []):
        return overrides or [], []
    from cnnlab.workflows.grid import divide_overrides

    return divide_overrides(overrides or [])


def _train_several(
    asked: dict[str, Any],
    axes: list[Axis],
    seeds: str | None,
    runs: Path,
    track: Track,
    *,
    vary_split: bool,
    who: options.Who,
) -> SeedsTrained | GridTrained:
    """Several seeds, a grid of settings, or both."""
    from cnnlab.workflows.budget import configure_in_time
    from cnnlab.workflows.configure import configure
    from cnnlab.workflows.grid import train_grid
    from cnnlab.workflows.seeds import parse_seeds, train_seeds

    numbers = None if seeds is None else parse_seeds(seeds)
    with followed(track) as watch:

        def wanted(more: Sequence[str] = ()) -> RunConfig:
            return configure(**_with(asked, more), runs=runs)

        def plan(more: Sequence[str] = ()) -> RunConfig:
            return configure_in_time(**_with(asked, more), runs=runs, watch=watch)

        executor = options.executor_for(*who, watch)
        how: dict[str, Any] = {"vary_split": vary_split, "executor": executor}
        trained: SeedsTrained | GridTrained
        if axes:
            trained = train_grid(wanted, axes, numbers, runs, watch, planned=plan, **how)
        else:
            trained = train_seeds(wanted(), numbers or [], runs, watch, plan=plan, **how)
        watch.catch_up(trained.runs)
        return trained


def _with(asked: dict[str, Any], more: Sequence[str]) -> dict[str, Any]:
    return {**asked, "overrides": [*asked["overrides"], *more]}


def _resume(run: str, runs: Path, track: Track, *, inexact: bool) -> Trained:
    from cnnlab.runs import open_run
    from cnnlab.workflows.train import resume_and_evaluate

    opened = open_run(run, runs=runs)
    with followed(track, opened) as watch:
        return resume_and_evaluate(opened, watch, inexact=inexact)
