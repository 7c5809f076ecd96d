"""``cnnlab evaluate``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cnnlab.cli.options import Json, Offline, RunName, RunsFolder, go_offline
from cnnlab.cli.output import note, print_json, print_text


class Split(StrEnum):
    VALIDATION = "validation"
    TEST = "test"


def evaluate(
    run: RunName,
    split: Annotated[
        Split, typer.Option(help="Choose on validation; opening test is written to the ledger.")
    ] = Split.VALIDATION,
    top_k: Annotated[
        int | None,
        typer.Option("--top-k", min=1, metavar="K", help="Right if among the K likeliest (5)."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Draw confidence against accuracy, .svg or .png."),
    ] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda or mps.")] = None,
    runs: RunsFolder = Path("runs"),
    offline: Offline = False,
    as_json: Json = False,
) -> None:
    """Accuracy and other metrics with their intervals, confusion matrix, scores of every class."""
    from cnnlab.evaluation.evaluate import evaluate as evaluate_run
    from cnnlab.runs import open_run
    from cnnlab.workflows.pictures import picture_path, write_picture

    go_offline(offline)
    drawn = None if out is None else picture_path(out)
    opened = open_run(run, runs=runs)
    evaluation = evaluate_run(opened, split.value, top_k=top_k, device=device, say=note)
    if drawn is not None:
        write_picture(evaluation.figure(), drawn)
    if as_json:
        print_json({**evaluation.to_dict(), "picture": None if drawn is None else str(drawn)})
    else:
        print_text(evaluation.to_text())
