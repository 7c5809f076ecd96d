"""``cnnlab card``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cnnlab.cli.options import Json, ModelName, RunsFolder
from cnnlab.cli.output import note, print_json, print_text


def card(
    source: ModelName,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to write it (README.md in the run).")
    ] = None,
    license: Annotated[
        str | None, typer.Option(metavar="ID", help="The network's licence, e.g. apache-2.0.")
    ] = None,
    dataset_id: Annotated[
        str | None, typer.Option(metavar="ID", help="What the images are called on the hub.")
    ] = None,
    text: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Your own words by heading; a new file gets hints."),
    ] = None,
    runs: RunsFolder = Path("runs"),
    as_json: Json = False,
) -> None:
    """Write a model card in Hugging Face's form.

    A README.md for whoever gets the network.
    """
    from cnnlab.reports.model_card import write_model_card

    written = write_model_card(
        source, out, license=license, dataset_id=dataset_id, text=text, runs=runs
    )
    if written.stub is not None:
        note(f"{written.stub}: headings with hints; write below them and ask for the card again")
    if as_json:
        print_json(written.to_dict())
    else:
        print_text(written.to_text())
