"""``cnnlab predict``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cnnlab.cli.options import Device, Images, Json, ModelName, RunsFolder
from cnnlab.cli.output import note, print_json, print_text


def predict(
    model: ModelName,
    images: Images,
    top_k: Annotated[
        int | None,
        typer.Option("--top-k", min=1, metavar="K", help="Classes to name for each image (5)."),
    ] = None,
    csv: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a line an image to this .csv file.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Draw the first 60 with their answers, .svg or .png."),
    ] = None,
    device: Device = None,
    runs: RunsFolder = Path("runs"),
    as_json: Json = False,
) -> None:
    """Say what images show.

    Files, folders, or - for one on standard input. Of a folder whose folders are called as the
    classes are, the accuracy is said, too.
    """
    from cnnlab.cli.progress import counting
    from cnnlab.prediction import predict as predict_images
    from cnnlab.prediction.answers import refuse_some
    from cnnlab.workflows.pictures import picture_path, write_picture

    drawn = None if out is None else picture_path(out, images)
    with counting("predicting", "images") as watch:
        found = predict_images(
            model, images, top_k=top_k, csv=csv, device=device, runs=runs, say=note, watch=watch
        )
    if drawn is not None:
        write_picture(found.figure(), drawn)
    if as_json:
        files = {"csv": csv, "picture": drawn}
        written = {kind: None if file is None else str(file) for kind, file in files.items()}
        print_json({**found.to_dict(), **written})
    elif csv is None:
        print_text(found.to_text())
    else:
        print_text(f"{found.summary()}\na line an image: {csv}")
    refuse_some(found.errors, len(found) + len(found.errors), say=note)
