"""``cnnlab diagnose``."""

from __future__ import annotations

from pathlib import Path

from cnnlab.cli.options import Json, RunNames, RunsFolder
from cnnlab.cli.output import print_json, print_text


def diagnose(names: RunNames, runs: RunsFolder = Path("runs"), as_json: Json = False) -> None:
    """Say what learning curves show, and one next run to try.

    With the numbers. A run whose curves show nothing of note is told so.
    """
    from cnnlab.evaluation.curves import diagnose as diagnose_run
    from cnnlab.runs import open_runs

    found = [diagnose_run(run) for run in open_runs(names, runs=runs)]
    if as_json:
        print_json({"runs": [diagnosis.to_dict() for diagnosis in found]})
    else:
        print_text("\n\n".join(diagnosis.to_text() for diagnosis in found))
