"""``cnnlab find-lr``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cnnlab.cli import training_options as options
from cnnlab.cli.options import Json, Offline, Overrides, RunsFolder, go_offline
from cnnlab.cli.output import print_json, print_text
from cnnlab.errors import DivergedError


def find_lr(
    model: options.Model = None,
    data: options.Data = None,
    init: options.Init = None,
    freeze: options.Freeze = None,
    recipe: options.Recipe = None,
    config: options.Config = None,
    steps: Annotated[int, typer.Option(metavar="N", help="Rates to try, a batch each.")] = 100,
    low: Annotated[
        float | None, typer.Option("--from", metavar="RATE", help="The lowest rate to try.")
    ] = None,
    high: Annotated[
        float | None, typer.Option("--to", metavar="RATE", help="The highest rate to try.")
    ] = None,
    batch_size: options.BatchSize = None,
    optimizer: options.Optimizer = None,
    seed: options.Seed = None,
    split_seed: options.SplitSeed = None,
    image_size: options.ImageSize = None,
    device: options.Device = None,
    precision: options.Precision = None,
    runs: RunsFolder = Path("runs"),
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw loss against rate (.svg or .png).")
    ] = None,
    overrides: Overrides = None,
    offline: Offline = False,
    as_json: Json = False,
) -> None:
    """Suggest a learning rate for a training.

    For what `cnnlab train` with the same options would do. A few steps are taken at rising rates;
    only training images are looked at, no run is written.
    """
    arguments = locals()
    from cnnlab.cli.progress import TrainingDisplay
    from cnnlab.workflows.configure import configure
    from cnnlab.workflows.find_lr import find_lr as find
    from cnnlab.workflows.pictures import picture_path

    go_offline(offline)
    drawn = None if out is None else picture_path(out)
    asked = options.asked_for(arguments, overrides=overrides)
    with TrainingDisplay() as display:
        wanted = configure(**asked, runs=runs)
        found = find(wanted, steps=steps, low=low, high=high, runs=runs, watch=display)
    if drawn is not None:
        found.write_picture(drawn)
    if as_json:
        print_json({**found.to_dict(), "picture": None if drawn is None else str(drawn)})
    else:
        print_text(found.to_text())
    if found.problem is not None:
        raise DivergedError(f"no suggestion: {found.problem}", where="find-lr")
