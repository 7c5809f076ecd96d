"""``cnnlab report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cnnlab.cli.options import Formats, Json, RunNames, RunsFolder, wanted_formats
from cnnlab.cli.output import note, print_json, print_text


def report(
    names: RunNames,
    formats: Formats = None,
    text: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Your own words, SECTION.md each; a new folder is filled with hints (text, "
            "beside the report).",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="The folder to write to (one run: its own folder).")
    ] = None,
    runs: RunsFolder = Path("runs"),
    as_json: Json = False,
) -> None:
    """Write the document: HTML, Markdown or PDF.

    The page needs nothing else, Markdown has its figures beside it. The name of a group that
    `cnnlab train --seeds` trained stands for all its runs.
    """
    from cnnlab.reports import write_report
    from cnnlab.reports.texts import write_stubs
    from cnnlab.runs import open_runs

    wanted = wanted_formats(formats)
    opened = open_runs(names, runs=runs)
    stubs = write_stubs(text) if text is not None else []
    if stubs:
        note(f"{text}: {len(stubs)} files with hints; write into them and report again")
    folder = out or (opened[0].path if len(opened) == 1 else runs)
    written = write_report(opened, folder, wanted, text=text)
    if as_json:
        print_json({"runs": names, "files": [str(path) for path in written]})
    else:
        print_text("\n".join(map(str, written)))
