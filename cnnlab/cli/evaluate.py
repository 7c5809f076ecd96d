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
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda or mps.")] = None,
    runs: RunsFolder = Path("runs"),
    offline: Offline = False,
    as_json: Json = False,
) -> None:
    """Accuracy with its interval, confusion matrix and scores of every class."""
    from cnnlab.evaluation.evaluate import evaluate as evaluate_run
    from cnnlab.runs import open_run

    go_offline(offline)
    evaluation = evaluate_run(open_run(run, runs=runs), split.value, device=device, say=note)
    if as_json:
        print_json(evaluation.to_dict())
    else:
        print_text(evaluation.to_text())
