"""cnnlab's side of one comparison, in a process of its own: trains one run, says what it gave.

::

    python benchmarks/versus_keras/own.py JOB.json
"""

from __future__ import annotations

import json
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from versus_keras.jobs import rows_digest

import cnnlab
from cnnlab.files import write_json

__all__ = ["main"]


def main(path: Path) -> None:
    """Train, or go on with, the run that the job in the file ``path`` names."""
    job: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    place = Path(job["run"])
    if place.exists():
        trained = cnnlab.resume(cnnlab.open_run(place))
    else:
        config = cnnlab.configure(settings={**job["settings"], "name": place.name})
        trained = cnnlab.train(config, place.parent)
    run, scores = trained.run, trained.validation.scores
    keys = ("stage", "epoch", "train_loss", "train_accuracy", "inner_loss", "inner_accuracy")
    rows = run.rows()
    write_json(
        Path(job["answer"]),
        {
            "curves": [{key: record[key] for key in keys} for record in run.metrics],
            "chosen_epoch": run.result["chosen_epoch"],
            "validation": {"loss": scores.nll, "accuracy": scores.top1, "n": scores.n},
            "parameters": run.architecture_summary["total_params"],
            "rows": rows_digest(rows.train, rows.validation),
            "seconds": run.result["train_seconds"],
            "cpu_seconds": round(time.process_time(), 2),
            "versions": {"cnnlab": version("cnnlab"), "torch": version("torch")},
            "source_revision": run.environment["source_revision"],
        },
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
