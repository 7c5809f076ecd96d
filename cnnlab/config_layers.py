"""Settings laid one on the other, before they are checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cnnlab.data import option_names
from cnnlab.settings import merge

__all__ = ["lay"]


def lay(layers: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Lay settings one on the other, unchecked.

    A layer that names another optimizer, schedule or model than one below drops what that said
    of it: the options belong to the old one. So does the digest of another run's weights.
    """
    merged: dict[str, Any] = {}
    for layer in layers:
        merged = _without_options_of_another_source(merged, layer)
        for part in ("optimizer", "schedule", "model"):
            over, below = layer.get(part), merged.get(part)
            if isinstance(over, Mapping) and isinstance(below, Mapping):
                old = below.get("name")
                if old is not None and over.get("name", old) != old:
                    merged.pop(part)
        over, below = layer.get("init"), merged.get("init")
        if isinstance(over, Mapping) and isinstance(below, Mapping):
            old = below.get("run")
            if over.get("run", old) != old:
                merged["init"] = {key: below[key] for key in below if key != "weights_sha256"}
        merged = merge(merged, layer)
    return merged


def _without_options_of_another_source(
    below: Mapping[str, Any], layer: Mapping[str, Any]
) -> dict[str, Any]:
    """Where ``layer`` names another source, what ``below`` says of its own source goes.

    Size, channels and split stay: they are about images of any kind.
    """
    data, over = below.get("data"), layer.get("data")
    if not isinstance(data, Mapping) or not isinstance(over, Mapping):
        return dict(below)
    old = data.get("source")
    if old is None or over.get("source", old) == old:
        return dict(below)
    dropped = option_names(str(old))
    return {**below, "data": {key: data[key] for key in data if key not in dropped}}
