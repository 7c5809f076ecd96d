"""``cnnlab ablate``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from cnnlab.cli import training_options as options
from cnnlab.cli.options import (
    Formats,
    Json,
    Offline,
    Overrides,
    RunsFolder,
    go_offline,
    wanted_formats,
)
from cnnlab.cli.output import print_result
from cnnlab.errors import DivergedError


def ablate(
    target: Annotated[
        str, typer.Argument(metavar="RECIPE-OR-MODEL", help="A recipe, a model, or a YAML file.")
    ],
    seeds: Annotated[int, typer.Option(metavar="N", help="Trainings of each variant.")] = 3,
    without: Annotated[
        str | None,
        typer.Option(metavar="A,B,...", help="What to leave out, one at a time (all there is)."),
    ] = None,
    data: options.Data = None,
    epochs: Annotated[str | None, typer.Option(metavar="N", help="Epochs (of each stage).")] = None,
    batch_size: options.BatchSize = None,
    split_seed: options.SplitSeed = None,
    device: options.Device = None,
    runs: RunsFolder = Path("runs"),
    out: Annotated[
        Path | None, typer.Option(help="The document's folder (ablation-NAME, beside the runs).")
    ] = None,
    formats: Formats = None,
    overrides: Overrides = None,
    offline: Offline = False,
    as_json: Json = False,
) -> None:
    """Say what each ingredient of a model is worth.

    One is left out at a time, over several seeds. What has ended is left as it is, what was cut off
    goes on: type the same command again.
    """
    arguments = locals()
    from cnnlab.cli.progress import TrainingDisplay
    from cnnlab.workflows.ablate import ablate as run_ablation

    go_offline(offline)
    asked = options.asked_for(arguments, overrides=overrides)
    with TrainingDisplay() as display:
        done = run_ablation(
            target,
            seeds=seeds,
            without=None if without is None else [name.strip() for name in without.split(",")],
            settings=asked["settings"],
            overrides=overrides or [],
            runs=runs,
            out=out,
            formats=wanted_formats(formats),
            command=["cnnlab", *sys.argv[1:]],
            watch=display,
        )
    print_result(done, as_json)
    if done.record.failed:
        raise DivergedError(f"{len(done.record.failed)} trainings failed", where="ablate")
