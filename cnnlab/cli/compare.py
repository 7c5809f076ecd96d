"""``cnnlab compare``."""

from __future__ import annotations

from pathlib import Path

from cnnlab.cli.options import Json, RunNames, RunsFolder
from cnnlab.cli.output import print_json, print_text


def compare(names: RunNames, runs: RunsFolder = Path("runs"), as_json: Json = False) -> None:
    """The runs side by side, and for each pair whether they really differ."""
    from cnnlab.evaluation.compare import compare as compare_runs
    from cnnlab.runs import open_run

    comparison = compare_runs([open_run(name, runs=runs) for name in names])
    if as_json:
        print_json(comparison.to_dict())
    else:
        print_text(comparison.to_text())
