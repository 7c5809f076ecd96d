"""``cnnlab report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cnnlab.cli.options import Json, RunNames, RunsFolder
from cnnlab.cli.output import print_json, print_text


def report(
    names: RunNames,
    out: Annotated[
        Path | None, typer.Option(help="The folder to write to (one run: its own folder).")
    ] = None,
    runs: RunsFolder = Path("runs"),
    as_json: Json = False,
) -> None:
    """Write the document: one self-contained HTML page, and Markdown with figures."""
    from cnnlab.reports import write_report
    from cnnlab.runs import open_run

    opened = [open_run(name, runs=runs) for name in names]
    written = write_report(opened, out or (opened[0].path if len(opened) == 1 else runs))
    if as_json:
        print_json({"runs": names, "files": [str(path) for path in written]})
    else:
        print_text("\n".join(map(str, written)))
