"""Options that several verbs take, said once."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "DataName",
    "Device",
    "DeviceWithDefault",
    "EvaluatedSplit",
    "Formats",
    "HowToRead",
    "ImageSide",
    "Images",
    "Json",
    "ModelName",
    "Offline",
    "Overrides",
    "RunName",
    "RunNames",
    "RunsFolder",
    "Split",
    "go_offline",
    "wanted_formats",
]


class Split(StrEnum):
    """What can be evaluated."""

    VALIDATION = "validation"
    TEST = "test"


def go_offline(asked: bool) -> None:
    """Let this process, and those that it starts, download nothing."""
    if asked:
        os.environ["CNNLAB_OFFLINE"] = "1"


def wanted_formats(asked: list[str] | None) -> list[str]:
    """What ``--format`` says a document is to be written as: with commas, or said repeatedly.

    An empty one is left to be called by its name: there is none.
    """
    from cnnlab.reports import DEFAULT_FORMATS, checked_formats

    if asked is None:
        return list(DEFAULT_FORMATS)
    return checked_formats([name.strip() for said in asked for name in said.split(",")])


Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
RunsFolder = Annotated[Path, typer.Option("--runs", help="The folder that holds runs.")]
Offline = Annotated[bool, typer.Option("--offline", help="Download nothing.")]
_DEVICES = "auto, cpu, cuda or mps."
Device = Annotated[str | None, typer.Option("--device", help=_DEVICES)]
DeviceWithDefault = Annotated[str, typer.Option("--device", help=_DEVICES)]
EvaluatedSplit = Annotated[
    Split,
    typer.Option("--split", help="Choose on validation; opening test is written to the ledger."),
]
RunName = Annotated[str, typer.Argument(metavar="RUN", help="A run's folder, or its name.")]
RunNames = Annotated[list[str], typer.Argument(metavar="RUN...", help="Runs' folders or names.")]
ModelName = Annotated[
    str, typer.Argument(metavar="RUN|BUNDLE", help="A run's folder or name, or an exported bundle.")
]
DataName = Annotated[str, typer.Argument(metavar="NAME|PATH", help="A name, or your images' path.")]
ImageSide = Annotated[
    int | None,
    typer.Option("--image-size", min=4, max=1024, metavar="PIXELS", help="Side of the images."),
]
HowToRead = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="How to read it, e.g. data.size=600."),
]
Images = Annotated[
    list[str],
    typer.Argument(
        metavar="IMAGE|FOLDER|-...", help="Image files, folders of them, - for standard input."
    ),
]
Formats = Annotated[
    list[str] | None,
    typer.Option(
        "--format",
        metavar="F,F",
        help="html, md or pdf, several with commas or repeated (html,md).",
    ),
]
Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="Any setting, e.g. training.augment.flip=random."
    ),
]
