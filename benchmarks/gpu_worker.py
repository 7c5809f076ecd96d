"""One side's block of trainings, or one pace, in a process of its own, for ``gpu.py``.

::

    python benchmarks/gpu_worker.py JOB.json

A side trains once to warm up, so that what it compiles is compiled, and then once for each seed.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from unittest.mock import patch

import torch
from airbench_worker import Hearing, load_on_device, load_script, read_arrays
from harness.records import Record
from race.airbench_settings import AirbenchSettings
from race.recipes import configured
from race_own import in_memory, train_once

import cnnlab
from cnnlab.device import synchronize
from cnnlab.files import sha256_of_file, write_json
from cnnlab.models.network import Network
from cnnlab.training.events import unwatched
from cnnlab.training.pace import measure_pace
from cnnlab.training.stages import Length, plan_stages
from cnnlab.training.trial import prepare_trial

__all__ = ["KINDS", "main", "published_network"]

#: What the script calls its first run, in which it learns nothing true.
_WARM_UP = "warmup"


def published_network(script: ModuleType, device: str, mode: str) -> torch.nn.Module:
    """The network as the script's own start makes it; compiled, in this mode, on a GPU alone."""
    network: torch.nn.Module = script.CifarNet().to(device).to(memory_format=torch.channels_last)
    if device.startswith("cuda"):
        network.compile(mode=mode)
    return network


def airbench(job: Record) -> Record:
    """The script as it is, but for its images; on the processor adapted, to try things out.

    ``seconds`` are the script's own, of whitening and all steps; ``whole_seconds`` run from the
    pixels in memory.
    """
    torch.set_num_threads(job["threads"])
    path, arrays, device = Path(job["script"]), read_arrays(job["arrays"]), job["device"]
    on_gpu = device.startswith("cuda")
    script = (
        load_on_device(path, arrays, device)
        if on_gpu
        else load_script(path, AirbenchSettings(), arrays)
    )
    torch.manual_seed(job["seeds"][0])  # of the network's first weights; it is built once
    hearing, network = Hearing(script), published_network(script, device, job["compile"])
    warm_up = hearing.train(_WARM_UP, network)
    runs = []
    for seed in job["seeds"]:
        torch.manual_seed(seed)
        hearing.begin()
        heard = hearing.train(seed, network)
        runs.append(
            {
                "seed": seed,
                "seconds": heard["own_seconds"],
                "whole_seconds": heard["seconds"],
                "accuracy": heard["accuracy"],
                "accuracy_tta": heard["accuracy_tta"],
            }
        )
    return {
        "runs": runs,
        "warm_up_seconds": warm_up["seconds"],
        "parameters": warm_up["parameters"],
        "trained_on": len(arrays["train_labels"]),
        "n_test": len(arrays["test_labels"]),
        "precision": "the script's" if on_gpu else "fp32",
        "script_sha256": sha256_of_file(path),
    }


def own(job: Record) -> Record:
    """A recipe of cnnlab's.

    ``seconds`` are what the script counts, whitening and all steps; ``whole_seconds`` run from the
    cached pixels to the last weights.
    """
    in_memory(configured(job)[0])
    warm_up = _train_own(job, job["seed"])
    answers = [(seed, _train_own(job, seed)) for seed in job["seeds"]]
    same = ("parameters", "trained_on", "n_test", "test_rows", "precision", "config")
    return {
        "runs": [
            {
                "seed": seed,
                "seconds": answer["own_seconds"] + answer["whitening_seconds"],
                "whole_seconds": answer["seconds"],
                "accuracy": answer["accuracy"],
                "accuracy_tta": answer["accuracy_tta"],
            }
            for seed, answer in answers
        ],
        "warm_up_seconds": warm_up["seconds"],
        **{key: warm_up[key] for key in same},
    }


def _train_own(job: Record, seed: int) -> Record:
    config, mirrored = configured({**job, "seed": seed})
    whiten, seconds = Network.initialize_from_images, list[float]()

    def timed(network: Network, images: torch.Tensor) -> None:
        begun = time.perf_counter()
        whiten(network, images)
        synchronize(images.device)
        seconds.append(time.perf_counter() - begun)

    with (
        tempfile.TemporaryDirectory(dir=job["runs"]) as folder,
        patch.object(Network, "initialize_from_images", timed),
    ):
        command = "benchmarks/gpu.py"
        answer = train_once(config, Path(folder), mirrored=mirrored, command=command)
    return {**answer, "whitening_seconds": sum(seconds)}


def pace(job: Record) -> Record:
    """A model's steps on a device, and how long an epoch of them takes."""
    config = cnnlab.configure(settings=job["settings"])
    prepared = prepare_trial(config, Path(job["runs"]), unwatched)
    found = measure_pace(prepared, seconds=job["seconds"])
    settled, stage = prepared.config, plan_stages(prepared.split.train, config.training)[0]
    batches = Length.of(len(stage.train), config.training).batches
    return {
        "step_seconds": found.step_seconds,
        "start_seconds": found.start_seconds,
        "steps": found.steps,
        "epoch_seconds": batches * found.step_seconds,
        "images": len(stage.train),
        "batch_size": config.training.batch_size,
        "device": settled.device,
        "precision": settled.precision,
        "compile": settled.compile,
    }


KINDS: Mapping[str, Callable[[Record], Record]] = {
    "airbench": airbench,
    "cnnlab": own,
    "pace": pace,
}


def main(path: Path) -> None:
    """Do the job in the file ``path`` and write the answer where it says."""
    job: Record = json.loads(path.read_text(encoding="utf-8"))
    answer = KINDS[job["kind"]](job)
    answer["versions"] = {"torch": torch.__version__}
    write_json(Path(job["answer"]), answer)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
