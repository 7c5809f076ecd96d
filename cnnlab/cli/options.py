"""Options that several verbs take, said once."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "Images",
    "Json",
    "ModelName",
    "Offline",
    "Overrides",
    "RunName",
    "RunNames",
    "RunsFolder",
    "go_offline",
]


def go_offline(asked: bool) -> None:
    """Let this process, and those that it starts, download nothing."""
    if asked:
        os.environ["CNNLAB_OFFLINE"] = "1"


Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
RunsFolder = Annotated[Path, typer.Option("--runs", help="The folder that holds runs.")]
Offline = Annotated[bool, typer.Option("--offline", help="Download nothing.")]
RunName = Annotated[str, typer.Argument(metavar="RUN", help="A run's folder, or its name.")]
RunNames = Annotated[list[str], typer.Argument(metavar="RUN...", help="Runs' folders or names.")]
ModelName = Annotated[
    str, typer.Argument(metavar="RUN|BUNDLE", help="A run's folder or name, or an exported bundle.")
]
Images = Annotated[
    list[str],
    typer.Argument(
        metavar="IMAGE|FOLDER|-...", help="Image files, folders of them, - for standard input."
    ),
]
Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="Any setting, e.g. training.augment.flip=random."
    ),
]
