"""Times one side's answers in a process of its own.

::

    python benchmarks/export_worker.py JOB.json
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np
from harness.records import Record
from numpy.typing import NDArray

from cnnlab.files import write_json

__all__ = ["main", "measure"]

Images = NDArray[np.uint8]
#: The batch of the throughput, and how many calls are made before any counts.
BATCH, _WARM_UP = 256, 3


def _torch_side(run: str, threads: int) -> Callable[[Images], object]:
    """A run's network as evaluation asks it."""
    import torch

    from cnnlab.bundle import open_bundle
    from cnnlab.inference import predict_logits

    bundle = open_bundle(run)
    torch.set_num_threads(threads)

    def answer(images: Images) -> object:
        return predict_logits(bundle.network, images, bundle.preprocessing, batch_size=len(images))

    return answer


def _onnx_side(file: str, threads: int) -> Callable[[Images], object]:
    """A file in onnxruntime, as a program without cnnlab asks it."""
    from cnnlab.exporting import OnnxModel

    return OnnxModel(Path(file), threads=threads)


def measure(answer: Callable[[Images], object], images: Images, seconds: float) -> float:
    """The median time of a call, in seconds; calls are made for so long, three at the least."""
    taken: list[float] = []
    began = time.perf_counter()
    while len(taken) < _WARM_UP + 3 or time.perf_counter() - began < seconds:
        begin = time.perf_counter()
        answer(images)
        taken.append(time.perf_counter() - begin)
    return statistics.median(taken[_WARM_UP:])


def main(path: Path) -> None:
    """Do the job and write its answer."""
    job: Record = json.loads(path.read_text(encoding="utf-8"))
    images = np.resize(np.load(job["images"]), (BATCH, *job["input_shape"]))
    side = _torch_side if job["side"] == "torch" else _onnx_side
    answer = side(job["model"], job["threads"])
    one, many = (measure(answer, images[:size], job["seconds"] / 2) for size in (1, BATCH))
    write_json(
        Path(job["answer"]),
        {
            "latency_milliseconds": 1e3 * one,
            "images_per_second": BATCH / many,
            "versions": {name: version(name) for name in ("onnx", "onnxruntime", "torch")},
        },
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
