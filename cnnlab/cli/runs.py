"""``cnnlab runs``."""

from __future__ import annotations

from pathlib import Path

import typer

from cnnlab.cli.options import Json, RunsFolder
from cnnlab.cli.output import print_json, print_text
from cnnlab.tables import text_table

app = typer.Typer(help="What has been trained.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def _group() -> None:
    pass


@app.command("list")
def list_(runs: RunsFolder = Path("runs"), as_json: Json = False) -> None:
    """List the runs, oldest first; one that was cut off is listed as unfinished."""
    from cnnlab.workflows.overview import overview

    rows = overview(runs)
    if as_json:
        print_json({"runs": rows})
    elif rows:
        keys = ("run", "status", "data", "epochs", "validation_accuracy")
        header = ["run", "status", "data", "epochs", "validation"]
        print_text(text_table(header, [[row[key] for key in keys] for row in rows]))
    else:
        print_text(f"no runs in {runs}")
