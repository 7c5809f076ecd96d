"""What chance decides: do cnnlab and Keras draw from the same distributions?

Initial weights (each kernel's deviation and bound, and the two-sample Kolmogorov-Smirnov test)
and dropout (the share kept, what is kept becomes, whether whole channels go). One line of
OUT/draws.jsonl a model::

    python benchmarks/draws.py --models a,b,c,d,e,f --out OUT
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from harness.command import run_command
from harness.records import DRAWS, Record
from keras_worker import SHOWN, dropout_facts
from lockstep import Weights, keras_weights
from numpy.typing import NDArray
from scipy import stats
from versus_keras.jobs import Setting, keras_job, prepare
from versus_keras.options import options, settings_of
from versus_keras.peer import KerasPeer, peer_of

from cnnlab.device import seed_everything
from cnnlab.files import append_line
from cnnlab.models import Architecture

__all__ = ["compare_draws", "main"]


def compare_draws(setting: Setting, peer: KerasPeer, folder: Path, seed: int = 0) -> Record:
    """Draw one model's weights on both sides, and show both sides' dropout layers maps of ones."""
    material = prepare(setting.settings(seed=seed, threads=peer.threads))
    name = f"draws-{setting.name}"
    weights = folder / f"{name}-weights.npz"
    arrays = folder / f"{name}.npz"
    np.savez(arrays)  # nothing is learnt
    job = {
        **keras_job(material, "draws", seed),
        "arrays": str(arrays.absolute()),
        "weights": str(weights.absolute()),
    }
    answer = peer.start(job, folder, name).result()
    seed_everything(seed, "weights")
    ours = keras_weights(material.architecture.build())
    with np.load(weights, allow_pickle=False) as saved:
        theirs = {key: saved[key] for key in ours}
    return {
        "model": setting.name,
        "seed": seed,
        "backend": peer.backend,
        "kernels": _kernels(ours, theirs),
        "other_weights_equal": all(
            np.array_equal(ours[key], theirs[key]) for key in ours if not key.endswith("/kernel")
        ),
        "dropout": {"cnnlab": _dropout(material.architecture), "keras": answer["dropout"]},
        "versions": answer["versions"] | {"cnnlab's torch": torch.__version__},
    }


def _kernels(ours: Weights, theirs: Weights) -> list[Record]:
    """Each kernel's deviation and largest weight as shares of Glorot's, ours first."""
    found = []
    for key in (key for key in ours if key.endswith("/kernel")):
        *window, fan_in, fan_out = ours[key].shape
        bound = math.sqrt(6 / (math.prod(window) * (fan_in + fan_out)))
        pair = (ours[key].ravel(), theirs[key].ravel())
        found.append(
            {
                "layer": key.removesuffix("/kernel"),
                "weights": int(pair[0].size),
                "std": [float(kernel.std() / (bound / math.sqrt(3))) for kernel in pair],
                "largest": [float(np.abs(kernel).max() / bound) for kernel in pair],
                "p_value": float(stats.ks_2samp(*pair).pvalue),
            }
        )
    return found


def _dropout(architecture: Architecture) -> Record:
    torch.manual_seed(0)
    found = {}
    for step in architecture.steps:
        if "Dropout" in step.type:
            *sides, channels = step.input_shape
            module = step.layer.build(step.input_shape).train()
            found[step.name] = dropout_facts(_channels_last(module, (SHOWN, channels, *sides)))
    return found


def _channels_last(module: torch.nn.Module, shape: tuple[int, ...]) -> NDArray[Any]:
    """What a module makes of ones ``[N, C, ...]``, as ``[N, ..., C]``."""
    with torch.no_grad():
        return np.moveaxis(module(torch.ones(shape)).numpy(), 1, -1)


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare the models asked for; returns the exit code."""
    parser = options(__doc__, models="a,b,c,d,e,f", train=4000, epochs=1)
    asked = parser.parse_args(arguments)

    def compare() -> None:
        # Models share shapes: with one seed they would show the same numbers again.
        for seed, setting in enumerate(settings_of(asked)):
            record = compare_draws(setting, peer_of(asked), asked.out / "work", seed)
            append_line(asked.out / DRAWS, json.dumps(record))
            least = min(kernel["p_value"] for kernel in record["kernels"])
            print(f"{record['model']}: smallest p of {len(record['kernels'])} kernels {least:.3f}")

    return run_command("draws", compare)


if __name__ == "__main__":
    sys.exit(main())
