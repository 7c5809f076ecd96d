"""Activation functions by Keras's names."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["ACTIVATION_FUNCTIONS", "Activation", "ReLU", "activate_own"]


def _linear(x: Tensor) -> Tensor:
    return x


def _leaky_relu(x: Tensor) -> Tensor:
    return functional.leaky_relu(x, 0.2)


def _softmax(x: Tensor) -> Tensor:
    return functional.softmax(x, dim=1)


ACTIVATION_FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "elu": functional.elu,
    "gelu": functional.gelu,
    "leaky_relu": _leaky_relu,
    "linear": _linear,
    "relu": functional.relu,
    "selu": functional.selu,
    "sigmoid": torch.sigmoid,
    "silu": functional.silu,
    "softmax": _softmax,
    "swish": functional.silu,
    "tanh": torch.tanh,
}


def activate_own(x: Tensor, activation: str) -> Tensor:
    """Apply an activation to a tensor that nobody else needs: ReLU overwrites it."""
    return functional.relu_(x) if activation == "relu" else ACTIVATION_FUNCTIONS[activation](x)


class Activation(nn.Module):
    """An activation function by Keras's name."""

    def __init__(self, activation: str) -> None:
        super().__init__()
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        return ACTIVATION_FUNCTIONS[self.activation](x)


class ReLU(nn.Module):
    """Keras's ReLU with its three numbers."""

    def __init__(self, max_value: float | None, negative_slope: float, threshold: float) -> None:
        super().__init__()
        self.max_value = max_value
        self.negative_slope = negative_slope
        self.threshold = threshold

    def forward(self, x: Tensor) -> Tensor:
        if self.threshold == 0.0:
            y = (
                functional.leaky_relu(x, self.negative_slope)
                if self.negative_slope
                else functional.relu(x)
            )
        else:
            below = self.negative_slope * (x - self.threshold)
            y = torch.where(x > self.threshold, x, below)  # at it 0, whatever Keras's page says
        return y if self.max_value is None else y.clamp(max=self.max_value)
