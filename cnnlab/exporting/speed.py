"""How fast two files answer, measured in turns."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnlab.exporting.onnx_model import OnnxModel

__all__ = ["Speed", "speeds"]

_BATCH = 256
_ROUNDS = {1: 25, _BATCH: 3}
_WARM_UP = {1: 5, _BATCH: 1}


@dataclass(frozen=True)
class Speed:
    """Medians: milliseconds for one image, and images a second in batches of 256."""

    latency_milliseconds: float
    images_per_second: float

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)


def speeds(models: Mapping[str, OnnxModel], images: NDArray[np.uint8]) -> dict[str, Speed]:
    """The speed of each model on some of uint8 ``images``, from pixels to probabilities.

    The models take turns, so that what else the machine does falls on all of them.
    """
    batch = np.resize(images, (_BATCH, *images.shape[1:]))
    medians = {size: _medians(models, batch[:size]) for size in _ROUNDS}
    return {name: Speed(1e3 * medians[1][name], _BATCH / medians[_BATCH][name]) for name in models}


def _medians(models: Mapping[str, OnnxModel], batch: NDArray[np.uint8]) -> dict[str, float]:
    """Median seconds of a call of each model."""
    taken: dict[str, list[float]] = {name: [] for name in models}
    warm_up = _WARM_UP[len(batch)]
    for _ in range(warm_up + _ROUNDS[len(batch)]):
        for name, model in models.items():
            begin = time.perf_counter()
            model(batch)
            taken[name].append(time.perf_counter() - begin)
    return {name: statistics.median(seconds[warm_up:]) for name, seconds in taken.items()}
