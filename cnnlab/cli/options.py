"""Options that several verbs take, said once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["Json", "Overrides", "RunName", "RunNames", "RunsFolder"]

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
RunsFolder = Annotated[Path, typer.Option("--runs", help="The folder that holds runs.")]
RunName = Annotated[str, typer.Argument(metavar="RUN", help="A run's folder, or its name.")]
RunNames = Annotated[list[str], typer.Argument(metavar="RUN...", help="Runs' folders or names.")]
Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="Any setting, e.g. training.augment.flip=random."
    ),
]
