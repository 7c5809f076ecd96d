"""``cnnlab reproduce``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from cnnlab.cli.options import (
    DeviceWithDefault,
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


def reproduce(
    models: Annotated[
        str, typer.Option(metavar="A,B,...", help="Which; a@32 is A with batches of 32.")
    ] = "a,b,c,d,e,f",
    scale: Annotated[
        float, typer.Option(metavar="SHARE", help="Of the report's images, e.g. 0.1.")
    ] = 1.0,
    data: Annotated[
        str | None, typer.Option(help="What stands for CIFAR-10: a name or a path.")
    ] = None,
    fashion: Annotated[
        str, typer.Option(help="What stands for Fashion-MNIST: a name or a path.")
    ] = "fashion-mnist",
    seed: Annotated[int, typer.Option(min=0, help="Of weights, order, dropout.")] = 0,
    device: DeviceWithDefault = "auto",
    runs: RunsFolder = Path("runs"),
    out: Annotated[
        Path | None, typer.Option(help="The document's folder (reproduction, beside the runs).")
    ] = None,
    formats: Formats = None,
    overrides: Overrides = None,
    offline: Offline = False,
    as_json: Json = False,
) -> None:
    """Train the report's six models, its figures beside yours.

    What has ended is left as it is, what was cut off goes on: type the same command again.
    """
    from cnnlab.cli.progress import TrainingDisplay
    from cnnlab.workflows.reproduce import reproduce as run_reproduce

    go_offline(offline)
    with TrainingDisplay() as display:
        done = run_reproduce(
            models.split(","),
            scale=scale,
            data=data,
            fashion=fashion,
            seed=seed,
            device=device,
            overrides=overrides or [],
            runs=runs,
            out=out,
            formats=wanted_formats(formats),
            command=["cnnlab", *sys.argv[1:]],
            watch=display,
        )
    print_result(done, as_json)
    if done.failed:
        raise DivergedError(
            f"{len(done.failed)} of {len(done.runs)} models failed", where="reproduce"
        )
