"""``cnnlab runs``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cnnlab.cli.options import Json, RunsFolder
from cnnlab.cli.output import print_json, print_text

app = typer.Typer(help="What has been trained.", no_args_is_help=True, rich_markup_mode=None)


class _Sort(StrEnum):
    WHEN = "when"
    NAME = "name"
    SIZE = "size"
    VALIDATION = "validation"


@app.command("list")
def list_(
    sort: Annotated[
        _Sort, typer.Option(help="Oldest, first name, largest or best on validation first.")
    ] = _Sort.WHEN,
    reverse: Annotated[bool, typer.Option("--reverse", help="The other way round.")] = False,
    runs: RunsFolder = Path("runs"),
    as_json: Json = False,
) -> None:
    """List the runs: status, data, accuracy, size; those that were cut off or broken, too."""
    from cnnlab.workflows.overview import overview

    found = overview(runs, sort=sort.value, reverse=reverse)
    if as_json:
        print_json(found.to_dict())
    else:
        print_text(found.to_text())
