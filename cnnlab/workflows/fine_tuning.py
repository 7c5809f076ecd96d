"""What comes along from a run that training starts from, and how a trained network goes on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cnnlab.data import settled_source
from cnnlab.runs import Run

__all__ = ["FINE_TUNING", "inherited"]

#: How a trained network learns a small folder.
FINE_TUNING: Mapping[str, Any] = {
    "training": {"epochs": 20, "batch_size": 32, "weights": "last"},
    "optimizer": {"name": "adam", "lr": 1e-3},
    "schedule": {"name": "cosine"},
}


def inherited(base: Run, data: object) -> dict[str, Any]:
    """The settings that come with a base run: its network, and images as it was shown them.

    ``data`` is the dataset that was asked for, None where none was: then the base run's own is
    taken. Where it is the base run's own, its split comes along.
    """
    config = base.config
    own = config["data"]
    same = data is None or settled_source(str(data)) == own["source"]
    height, width, channels = base.architecture().input_shape
    size = height if height == width else None
    return {
        **FINE_TUNING,
        "normalization": config["normalization"],
        "model": config["model"],
        "data": {**(own if same else {}), "image_size": size, "channels": channels},
    }
