"""``cnnlab robustness``."""

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
from cnnlab.cli.output import note, print_result
from cnnlab.errors import ConfigError


def robustness(
    run: RunName,
    split: EvaluatedSplit = Split.VALIDATION,
    corruptions: Annotated[
        str | None,
        typer.Option(metavar="NAMES", help="Names or families, with commas; all without it."),
    ] = None,
    severities: Annotated[
        str, typer.Option(metavar="N,N", help="Which of the five severities.")
    ] = "1,2,3,4,5",
    limit: Annotated[
        int | None, typer.Option(metavar="N", help="So many images, evenly spread; all without it.")
    ] = None,
    reference: Annotated[
        str | None, typer.Option(metavar="RUN", help="Relate the errors to those of this run.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Put table, JSON and figure here, too.")
    ] = None,
    device: Device = None,
    runs: RunsFolder = Path("runs"),
    offline: Offline = False,
    as_json: Json = False,
) -> None:
    """Measure accuracy on noisy, blurred, foggy images.

    The 15 corruptions of CIFAR-10-C at 5 severities, made on the fly from the run's images.
    """
    from cnnlab.evaluation.robustness import robustness as measure
    from cnnlab.runs import open_run

    go_offline(offline)
    opened = open_run(run, runs=runs)
    other = None if reference is None else open_run(reference, runs=runs)
    found = measure(
        opened,
        split.value,
        corruptions=None if corruptions is None else _parts(corruptions),
        severities=_numbers(severities),
        limit=limit,
        reference=other,
        device=device,
        say=note,
    )
    if out is not None:
        found.write(out)
    print_result(found, as_json)


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _numbers(text: str) -> list[int]:
    try:
        return [int(part) for part in _parts(text)]
    except ValueError:
        expected = "whole numbers from 1 to 5, with commas"
        raise ConfigError(f"'{text}'", where="--severities", expected=expected) from None
