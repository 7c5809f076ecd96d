"""``cnnlab ablate``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from cnnlab.cli import training_options as options
from cnnlab.cli.options import Json, Offline, Overrides, RunsFolder, go_offline
from cnnlab.cli.output import print_json, print_text
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
    overrides: Overrides = None,
    offline: Offline = False,
    as_json: Json = False,
) -> None:
    """Leave one ingredient out at a time, over several seeds, and say what each is worth.

    What has ended is left as it is, what was cut off goes on: type the same command again.
    """
    from cnnlab.cli.progress import TrainingDisplay
    from cnnlab.workflows.ablate import ablate as run_ablation

    go_offline(offline)
    values = {
        "--data": data,
        "--epochs": epochs,
        "--batch-size": batch_size,
        "--split-seed": split_seed,
        "--device": device,
    }
    asked = options.asked_for(values, recipe=None, config=None, overrides=overrides)
    with TrainingDisplay() as display:
        done = run_ablation(
            target,
            seeds=seeds,
            without=None if without is None else [name.strip() for name in without.split(",")],
            settings=asked["settings"],
            overrides=overrides or [],
            runs=runs,
            out=out,
            command=["cnnlab", *sys.argv[1:]],
            watch=display,
        )
    if as_json:
        print_json(done.to_dict())
    else:
        print_text(done.to_text())
    if done.record.failed:
        raise DivergedError(f"{len(done.record.failed)} trainings", where="ablate")
