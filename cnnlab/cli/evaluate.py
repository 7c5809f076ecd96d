"""``cnnlab evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cnnlab.cli.options import (
    Device,
    EvaluatedSplit,
    Json,
    Offline,
    RunName,
    RunsFolder,
    Split,
    go_offline,
)
from cnnlab.cli.output import note, print_json, print_text


def evaluate(
    run: RunName,
    split: EvaluatedSplit = Split.VALIDATION,
    top_k: Annotated[
        int | None,
        typer.Option("--top-k", min=1, metavar="K", help="Right if among the K likeliest (5)."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Draw confidence against accuracy, .svg or .png."),
    ] = None,
    device: Device = None,
    runs: RunsFolder = Path("runs"),
    offline: Offline = False,
    as_json: Json = False,
) -> None:
    """Measure accuracy and more, with intervals, class by class.

    With the confusion matrix, the temperature that calibrates the network, and accuracy where only
    the surest are answered.
    """
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
