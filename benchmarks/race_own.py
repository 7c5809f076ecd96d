"""cnnlab's side, in a process of its own: trains one recipe, says how long and how good.

::

    python benchmarks/race/own.py JOB.json
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from unittest.mock import patch

import numpy as np
import torch._dynamo  # 800 modules, which torch would import when the first optimizer is made
from harness.records import Record
from harness.stopwatch import Stopwatch
from numpy.typing import NDArray
from race.conditions import rows_digest
from race.recipes import configured

import cnnlab
from cnnlab.config import RunConfig
from cnnlab.files import write_json
from cnnlab.inference import Preprocessing, load_network, predict_logits
from cnnlab.runs import Run
from cnnlab.training.fitter import Fitter
from cnnlab.training.loop import train

__all__ = ["in_memory", "main", "train_once"]


def _timed(config: RunConfig, runs: Path) -> tuple[Run, Stopwatch, float]:
    """Train; the clock runs from the call to its return, measuring validation apart.

    Gives the run, the clock and the seconds on it.
    """
    measure = Fitter.measure
    watch = Stopwatch()

    def measured(fitter: Fitter, rows: NDArray[np.int64]) -> tuple[float, float]:
        with watch.paused():
            return measure(fitter, rows)

    with patch.object(Fitter, "measure", measured):
        run = train(config, runs)
    return run, watch, watch.seconds


def _mirrored(run: Run, device: str) -> float:
    """Test top-1 of the same weights, averaged over each image and its mirror image."""
    dataset, rows = run.open_dataset(lambda _line: None), run.rows().test
    preprocessing = replace(Preprocessing.from_dict(run.preprocessing), mirror=True)
    logits = predict_logits(load_network(run, device), dataset.images, preprocessing, rows=rows)
    return float((logits.argmax(axis=1) == dataset.labels[rows]).mean())


def in_memory(config: RunConfig) -> None:
    """Decode the images into the cache, and read them from there into memory."""
    dataset = cnnlab.open_dataset(config.data.source, options=config.data.read_options())
    dataset.images.max()


def train_once(config: RunConfig, runs: Path, *, mirrored: bool, command: str) -> Record:
    """Train in ``runs``, then open test: how long it took and how good it is.

    ``mirrored``: say, too, what the mean over an image and its mirror image gives.
    """
    run, watch, seconds = _timed(config, runs)
    rows, settled = run.rows(), run.typed_config()
    test = cnnlab.evaluate(run, "test", command=command)
    return {
        "seconds": seconds,
        "own_seconds": (run.result or {})["train_seconds"],
        "validation_seconds": watch.off_seconds,
        "accuracy": test.scores.top1,
        "accuracy_tta": _mirrored(run, settled.device) if mirrored else None,
        "parameters": run.architecture_summary["total_params"],
        "trained_on": len(rows.train),
        "n_test": test.scores.n,
        "test_rows": rows_digest(rows.test),
        "precision": settled.precision,
        "config": settled.to_dict(),
    }


def main(path: Path) -> None:
    """Do the job in the file ``path``."""
    job: Record = json.loads(path.read_text(encoding="utf-8"))
    config, mirrored = configured(job)
    in_memory(config)
    command = "benchmarks/time_to_accuracy.py"
    answer = train_once(config, Path(job["runs"]), mirrored=mirrored, command=command)
    answer |= {
        "cpu_seconds": round(time.process_time(), 2),
        "versions": {"cnnlab": version("cnnlab"), "torch": torch.__version__},
    }
    write_json(Path(job["answer"]), answer)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
