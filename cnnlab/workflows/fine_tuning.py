"""What comes along from a run that training starts from, and how a trained network goes on."""

from __future__ import annotations

from typing import Any

from cnnlab.data import settled_source
from cnnlab.runs import Run

__all__ = ["fine_tuning", "inherited"]

#: The learning rate at its peak, with everything trained and with the head alone.
_RATE, _HEAD_RATE = 1e-3, 1e-2


def fine_tuning(freeze: object) -> dict[str, Any]:
    """How a trained network goes on learning, where nothing else is asked for.

    A network's own way of training is for drawn weights: the rates of fastnet's Muon would undo
    in a few steps what it has learnt. Measured in docs/results/log.md.
    """
    rate = _HEAD_RATE if freeze == "features" else _RATE
    return {
        "training": {"epochs": 20, "batch_size": 32, "weights": "last"},
        "optimizer": {"name": "adam", "lr": rate},
        "schedule": {"name": "cosine"},
    }


def inherited(base: Run, data: object) -> dict[str, Any]:
    """The settings that come with a base run: its network, and images as it was shown them.

    ``data`` is the dataset that was asked for, None where none was: then the base run's own is
    taken. Where it is the base run's own, its split comes along. Raises what
    :meth:`~cnnlab.runs.Run.typed_config` raises of the base run's file.
    """
    base.typed_config()  # once laid under other settings, nobody could say where a wrong one stood
    config = base.config
    own = config["data"]
    same = data is None or settled_source(str(data)) == own["source"]
    height, width, channels = base.architecture().input_shape
    size = height if height == width else None
    return {
        "normalization": config["normalization"],
        "model": config["model"],
        "data": {**(own if same else {}), "image_size": size, "channels": channels},
    }
