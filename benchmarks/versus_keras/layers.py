"""Keras models from our lists of layers. It imports nothing: Keras is handed in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

__all__ = ["keras_layer", "keras_model"]


def keras_layer(keras: ModuleType, item: Mapping[str, Any], *, classes: int = 10) -> Any:
    """The Keras layer with the same class name and the same arguments."""
    arguments = {
        key: classes if value == "classes" else value
        for key, value in item.items()
        if key != "type"
    }
    return getattr(keras.layers, item["type"])(**arguments)


def keras_model(
    keras: ModuleType,
    layers: Sequence[Mapping[str, Any]],
    input_shape: Sequence[int],
    *,
    classes: int,
) -> Any:
    """A Keras ``Sequential``: images ``[N, *input_shape]`` in, logits ``[N, classes]`` out."""
    made = [keras_layer(keras, item, classes=classes) for item in layers]
    return keras.Sequential([keras.Input(tuple(input_shape)), *made])
