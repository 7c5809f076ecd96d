"""What stands in a folder of runs, broken ones included."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cnnlab.errors import CnnlabError
from cnnlab.evaluation.evaluate import evaluation_of
from cnnlab.runs import Run, list_runs

__all__ = ["overview"]


def _line(run: Run) -> dict[str, Any]:
    validation = evaluation_of(run, "validation")
    return {
        "run": run.name,
        "path": str(run.path),
        "status": run.status,
        "data": run.split["dataset"]["name"],
        "epochs": len(run.metrics),
        "validation_accuracy": validation.scores.top1 if validation else None,
    }


def overview(folder: Path) -> list[dict[str, Any]]:
    """A record a run, oldest first; what cannot be read is listed as damaged, with the reason."""
    lines = []
    for run in list_runs(folder):
        try:
            lines.append(_line(run))
        except CnnlabError as error:
            lines.append(
                {
                    "run": run.name,
                    "path": str(run.path),
                    "status": f"damaged: {error}",
                    "data": None,
                    "epochs": None,
                    "validation_accuracy": None,
                }
            )
    return lines
