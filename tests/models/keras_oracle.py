"""Keras models from our architectures, and weights from Keras to our modules."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from versus_keras import layers as keras_layers
from versus_keras.examples import shake

from cnnlab.models import Architecture

__all__ = [
    "as_array",
    "as_tensor",
    "channels_first",
    "channels_last",
    "keras_model",
    "shake",
    "torch_weights",
    "transplant",
]


def keras_model(keras: ModuleType, architecture: Architecture) -> Any:
    """A Keras ``Sequential`` with the same layers under the same names."""
    layers = [
        {**item, "name": step.name}
        for item, step in zip(architecture.layers, architecture.steps, strict=True)
    ]
    return keras_layers.keras_model(
        keras, layers, architecture.input_shape, classes=architecture.classes
    )


def as_array(tensor: Tensor) -> np.ndarray:
    """A copy, so that neither side's training changes the other's weights."""
    return tensor.detach().cpu().numpy().copy()


def as_tensor(array: np.ndarray) -> Tensor:
    """A contiguous copy."""
    return torch.from_numpy(array.copy())


def torch_weights(layer: Any) -> dict[str, Tensor]:
    """A Keras layer's weights under our modules' names and in torch's layout."""
    weights = {weight.name: as_array(weight.value) for weight in layer.weights}
    kind = type(layer).__name__
    if kind == "DepthwiseConv2D":
        return _named(_depthwise(weights["kernel"]), weights.get("bias"))
    if kind == "SeparableConv2D":
        pointwise = _named(_conv(weights["pointwise_kernel"]), weights.get("bias"))
        return {
            "depthwise.weight": as_tensor(_depthwise(weights["depthwise_kernel"])),
            **{f"pointwise.{name}": value for name, value in pointwise.items()},
        }
    if "kernel" in weights:
        kernel = weights["kernel"]
        return _named(kernel.T if kernel.ndim == 2 else _conv(kernel), weights.get("bias"))
    return {name: as_tensor(value) for name, value in weights.items() if "seed" not in name}


def _conv(kernel: np.ndarray) -> np.ndarray:
    return kernel.transpose(3, 2, 0, 1)


def _depthwise(kernel: np.ndarray) -> np.ndarray:
    height, width, channels, multiplier = kernel.shape
    return kernel.transpose(2, 3, 0, 1).reshape(channels * multiplier, 1, height, width)


def _named(weight: np.ndarray, bias: np.ndarray | None) -> dict[str, Tensor]:
    named = {"weight": as_tensor(weight)}
    return named if bias is None else {**named, "bias": as_tensor(bias)}


def transplant(model: Any, network: nn.Module) -> None:
    """Give our network a Keras model's weights, layer by layer, by name."""
    state = {
        f"{layer.name}.{name}": value
        for layer in model.layers
        for name, value in torch_weights(layer).items()
    }
    network.load_state_dict(state)


def channels_last(x: Tensor) -> np.ndarray:
    """Our output in Keras's layout."""
    return as_array(x.permute(0, 2, 3, 1) if x.ndim == 4 else x)


def channels_first(array: np.ndarray) -> Tensor:
    """Keras's input in our layout, channels last in memory."""
    x = torch.from_numpy(array)
    return x.permute(0, 3, 1, 2) if x.ndim == 4 else x
