"""``cnnlab robustness``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cnnlab.cli.evaluate import Split
from cnnlab.cli.options import Json, Offline, RunName, RunsFolder, go_offline
from cnnlab.cli.output import note, print_json, print_text
from cnnlab.errors import ConfigError


def robustness(
    run: RunName,
    split: Annotated[
        Split, typer.Option(help="Choose on validation; opening test is written to the ledger.")
    ] = Split.VALIDATION,
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
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda or mps.")] = None,
    runs: RunsFolder = Path("runs"),
    offline: Offline = False,
    as_json: Json = False,
) -> None:
    """Accuracy under the 15 corruptions of CIFAR-10-C, made on the fly from the run's images."""
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
    if as_json:
        print_json(found.to_dict())
    else:
        print_text(found.to_text())


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _numbers(text: str) -> list[int]:
    try:
        return [int(part) for part in _parts(text)]
    except ValueError:
        expected = "whole numbers from 1 to 5, with commas"
        raise ConfigError(f"'{text}'", where="--severities", expected=expected) from None
