"""One process of ``data_parallel.py``: trains, alone or as a rank, and says every step's loss.

::

    python benchmarks/data_parallel_worker.py JOB.json
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any
from unittest import mock

from cnnlab.files import write_json
from cnnlab.ranks import joined, launched
from cnnlab.training.following import follow
from cnnlab.training.loop import train
from cnnlab.training.state import EpochSums
from cnnlab.workflows.configure import configure

__all__ = ["main"]


def main(path: Path) -> None:
    """Do the job in the file ``path``."""
    job: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    losses: list[float] = []
    right, counts = list[int](), list[int]()
    add = EpochSums.add

    def note(sums: EpochSums, loss: float, correct: int, count: int) -> None:
        losses.append(loss)
        right.append(correct)
        counts.append(count)
        add(sums, loss, correct, count)

    answer: dict[str, Any] = {}
    with mock.patch.object(EpochSums, "add", note), joined(launched()) as ranks:
        if ranks.leads:
            run = train(configure(settings=job["settings"]), Path(job["runs"]))
            ranks.tell(None)
            answer = {
                "images_per_second": (run.result or {})["images_per_second"],
                "train_loss": run.metrics[-1]["train_loss"],
                "validation_accuracy": run.metrics[-1]["validation_accuracy"],
            }
        else:
            follow(ranks)
    said = {"losses": losses, "train_right": sum(right), "last_batch": counts[-1]}
    write_json(Path(job["answer"]), {**answer, **said})


if __name__ == "__main__":
    main(Path(sys.argv[1]))
