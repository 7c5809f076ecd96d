"""``cnnlab compare``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cnnlab.cli.options import Json, RunNames, RunsFolder, Split
from cnnlab.cli.output import print_result


def compare(
    names: RunNames,
    split: Annotated[
        Split, typer.Option(help="Test only where its predictions are saved; opens nothing.")
    ] = Split.VALIDATION,
    margin: Annotated[
        float | None,
        typer.Option(metavar="POINTS", help="Closer than that counts as equivalent, e.g. 0.5."),
    ] = None,
    runs: RunsFolder = Path("runs"),
    as_json: Json = False,
) -> None:
    """Say of each pair of runs whether they really differ.

    Runs that differ in their seeds alone are one recipe, compared over seeds; the name of a group
    that `cnnlab train --seeds` trained, or of a grid, stands for all its runs.
    """
    from cnnlab.evaluation.compare import compare as compare_runs
    from cnnlab.runs import open_runs

    share = None if margin is None else margin / 100
    comparison = compare_runs(open_runs(names, runs=runs), split.value, margin=share)
    print_result(comparison, as_json)
