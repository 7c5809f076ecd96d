"""Measures one speed in a process of its own: cnnlab's engine, a plain loop, or matrix products.

::

    python benchmarks/throughput_worker.py JOB.json
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from harness.records import Record
from harness.step_clock import StepClock
from rates.torch_model_f import measure_plain_loop

import cnnlab
from cnnlab.files import write_json
from cnnlab.training.events import BatchDone, EpochDone, Event
from cnnlab.training.loop import train

__all__ = ["best_product", "main", "measure_engine"]

_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}
_LEAST_PRODUCTS = 3


class _Enough(Exception):
    """Leaves a training that has been timed."""


def measure_engine(job: Record) -> Record:
    """Train as ``cnnlab train`` does, and leave when the clock has enough.

    What a user's steps include is included: drawing and augmenting batches, the learning rate's
    schedule, the accuracy so far, telling who watches. What comes between epochs is not.
    """
    config = cnnlab.configure(settings={**job["settings"], "name": "timed"})
    clock = StepClock(config.training.batch_size, **job["clock"])
    memory = [0]

    def watch(event: Event) -> None:
        if isinstance(event, EpochDone):
            clock.pause()
        if isinstance(event, BatchDone):
            memory.append(_anonymous_bytes())
            if clock.step_ended():
                raise _Enough

    with tempfile.TemporaryDirectory() as folder:
        with suppress(_Enough):
            train(config, Path(folder), watch)
        run = cnnlab.open_run(Path(folder, "timed"))
        facts = {
            "parameters": run.architecture_summary["total_params"],
            "precision": run.config["precision"],
            "threads": run.config["threads"],
        }
    return {**clock.result(), **facts, "anonymous_bytes": max(memory)}


def _anonymous_bytes() -> int:
    """Memory of this process that is no file's; 0 where the kernel does not tell."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    told = dict(line.split(":", 1) for line in lines)
    return 1024 * int(told.get("RssAnon", "0 kB").split()[0])


def plain_loop(job: Record) -> Record:
    """The same network in plain torch on the same images."""
    torch.set_num_threads(job["threads"])
    with np.load(job["arrays"], allow_pickle=False) as arrays:
        images, labels = arrays["stage1_train_images"], arrays["stage1_train_labels"]
    return measure_plain_loop(
        images,
        labels,
        classes=job["classes"],
        batch_size=job["batch_size"],
        workers=job["workers"],
        clock=StepClock(job["batch_size"], **job["clock"]),
    )


def peak(job: Record) -> Record:
    """The fastest square matrix product, in floating-point operations a second."""
    torch.set_num_threads(job["threads"])
    sizes: Sequence[int] = job["sizes"]
    found = {n: best_product(n, _DTYPES[job["precision"]], job["seconds"]) for n in sizes}
    return {"flops_per_second": max(found.values()), "flops_per_second_by_size": found}


def best_product(
    size: int,
    dtype: torch.dtype,
    seconds: float,
    now: Callable[[], float] = time.perf_counter,
) -> float:
    """Floating-point operations a second of the fastest product of two ``size x size`` matrices.

    One product warms up; then at least three, for at least so many seconds.
    """
    a, b = (torch.rand(size, size).to(dtype) for _ in range(2))
    torch.mm(a, b)
    begin, taken = now(), list[float]()
    while len(taken) < _LEAST_PRODUCTS or now() - begin < seconds:
        start = now()
        torch.mm(a, b)
        taken.append(now() - start)
    return 2 * size**3 / min(taken)


KINDS: dict[str, Callable[[Record], Record]] = {
    "engine": measure_engine,
    "loop": plain_loop,
    "peak": peak,
}


def main(path: Path) -> None:
    """Do the job in the file ``path`` and write the answer where it says."""
    job = json.loads(path.read_text(encoding="utf-8"))
    answer = KINDS[job["kind"]](job)
    answer["versions"] = {"torch": version("torch")}
    write_json(Path(job["answer"]), answer)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
