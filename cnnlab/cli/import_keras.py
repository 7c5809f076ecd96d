"""``cnnlab import-keras``."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cnnlab.cli.options import Json
from cnnlab.cli.output import note, print_json, print_text
from cnnlab.errors import ConfigError


class _Scale(StrEnum):
    BYTES = "255"
    UNIT = "1"
    SIGNED = "minus-one-to-one"


def import_keras(
    model: Annotated[
        Path, typer.Argument(metavar="FILE", help="A .keras file, or a legacy .h5 file.")
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER|FILE",
            help="A folder for bundle and architecture (as the model is called), or the bundle's "
            ".safetensors file.",
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="The model's name (as the file).")
    ] = None,
    classes: Annotated[
        str | None,
        typer.Option(metavar="A,B,C|FILE", help="Names of the classes in order, or a .json file."),
    ] = None,
    scale: Annotated[
        _Scale | None,
        typer.Option(help="What the model takes: pixels up to 255, up to 1, or from -1 to 1."),
    ] = None,
    image_size: Annotated[
        str | None,
        typer.Option(
            "--image-size", metavar="HxW", help="Where the model takes images of any size."
        ),
    ] = None,
    weights: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A .weights.h5 file, to be taken for the file's own."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace files that are there.")] = False,
    as_json: Json = False,
) -> None:
    """Turn a Keras model, weights included, into an architecture and a bundle.

    The file is read without Keras, and nothing in it is run.
    """
    from cnnlab.interop.keras import import_keras as import_model

    imported = import_model(
        model,
        out,
        name=name,
        classes=classes,
        scale=None if scale is None else scale.value,
        image_size=None if image_size is None else _size(image_size),
        weights=weights,
        force=force,
        say=note,
    )
    if as_json:
        print_json(imported.to_dict())
    else:
        print_text(imported.to_text())


def _size(text: str) -> tuple[int, int]:
    """ "32x48" as (32, 48); one number is a square's side."""
    found = re.fullmatch(r"([1-9]\d{0,4})(?:x([1-9]\d{0,4}))?", text.lower())
    if found is None:
        raise ConfigError(
            f"--image-size is '{text}'", expected="height x width in pixels, such as 32x32"
        )
    return int(found[1]), int(found[2] or found[1])
