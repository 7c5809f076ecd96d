"""The layer vocabulary's torch modules.

They take and give ``[N, C, H, W]`` (in any memory format) or ``[N, features]``, and behave as
Keras's layers do on the same data with the channels last. Weights are empty until
``draw_weights``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn
from torch.nn import functional

from cnnlab.models.initializers import draw_kernel

__all__ = [
    "ACTIVATION_FUNCTIONS",
    "Activation",
    "AvgPool2d",
    "BatchNorm",
    "Chain",
    "Conv2d",
    "Dense",
    "DrawsWeights",
    "Flatten",
    "GlobalPool",
    "LayerNorm",
    "MaxPool2d",
    "ReLU",
    "Rescaling",
    "draw_weights",
]

Pair = tuple[int, int]
#: ((top, bottom), (left, right))
Sides = tuple[Pair, Pair]


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


@runtime_checkable
class DrawsWeights(Protocol):
    """A module with weights of its own to draw."""

    def draw_weights(self, generator: torch.Generator | None) -> None:
        """Fill the weights in place."""


def draw_weights(module: nn.Module, generator: torch.Generator | None) -> None:
    """Draw every weight inside ``module``, in the order of its layers."""
    for part in module.modules():
        if isinstance(part, DrawsWeights):
            part.draw_weights(generator)


class Chain(nn.Module):
    """Modules one after the other, by name."""

    def __init__(self, **modules: nn.Module) -> None:
        super().__init__()
        for name, module in modules.items():
            self.add_module(name, module)

    def forward(self, x: Tensor) -> Tensor:
        for module in self.children():
            x = module(x)
        return x


def _padding_of(sides: Sides) -> tuple[Pair, list[int] | None]:
    """Split ``sides`` into what a torch operation pads itself, and what must be padded before."""
    (top, bottom), (left, right) = sides
    if top == bottom and left == right:
        return (top, left), None
    return (0, 0), [left, right, top, bottom]


class Conv2d(nn.Conv2d):
    """A convolution with Keras's paddings, initialisers and an inline activation."""

    def __init__(
        self,
        in_channels: int,
        filters: int,
        kernel_size: Pair,
        *,
        strides: Pair = (1, 1),
        sides: Sides = ((0, 0), (0, 0)),
        dilation: Pair = (1, 1),
        groups: int = 1,
        bias: bool = True,
        activation: str = "linear",
        initializer: str = "glorot_uniform",
        fans: Pair | None = None,
    ) -> None:
        padding, self.explicit_padding = _padding_of(sides)
        super().__init__(
            in_channels,
            filters,
            kernel_size,
            stride=strides,
            padding=padding,
            dilation=dilation,
            groups=groups,
            bias=bias,
        )
        self.activation = activation
        self.initializer = initializer
        area = kernel_size[0] * kernel_size[1]
        self.fans = fans or (area * (in_channels // groups), area * filters)

    def reset_parameters(self) -> None:
        """Leave the weights empty; torch would draw from its global generator here."""

    def draw_weights(self, generator: torch.Generator | None) -> None:
        draw_kernel(self.weight, self.initializer, self.fans, generator)
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def forward(self, x: Tensor) -> Tensor:
        if self.explicit_padding is not None:
            x = functional.pad(x, self.explicit_padding)
        return ACTIVATION_FUNCTIONS[self.activation](super().forward(x))


class Dense(nn.Linear):
    """A dense layer over the channels, with Keras's initialisers and an inline activation."""

    def __init__(
        self,
        features: int,
        units: int,
        *,
        bias: bool = True,
        activation: str = "linear",
        initializer: str = "glorot_uniform",
    ) -> None:
        super().__init__(features, units, bias=bias)
        self.activation = activation
        self.initializer = initializer

    def reset_parameters(self) -> None:
        """Leave the weights empty; torch would draw from its global generator here."""

    def draw_weights(self, generator: torch.Generator | None) -> None:
        fans = (self.in_features, self.out_features)
        draw_kernel(self.weight, self.initializer, fans, generator)
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def forward(self, x: Tensor) -> Tensor:
        y = _over_channels(super().forward, x)
        return ACTIVATION_FUNCTIONS[self.activation](y)


def _over_channels(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Apply a function of the last axis to the channels of a map, or to features."""
    if x.ndim == 2:
        return function(x)
    return function(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class BatchNorm(nn.Module):
    """Batch normalisation whose moving variance is that of the biased batch variance, as Keras's.

    One value a channel (a batch of one at 1x1) has variance 0: the output is ``beta``.
    """

    moving_mean: Tensor
    moving_variance: Tensor

    def __init__(
        self, channels: int, *, momentum: float, epsilon: float, center: bool, scale: bool
    ) -> None:
        super().__init__()
        self.momentum = momentum
        self.epsilon = epsilon
        self.gamma = nn.Parameter(torch.ones(channels)) if scale else None
        self.beta = nn.Parameter(torch.zeros(channels)) if center else None
        self.register_buffer("moving_mean", torch.zeros(channels))
        self.register_buffer("moving_variance", torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return functional.batch_norm(
                x,
                self.moving_mean,
                self.moving_variance,
                self.gamma,
                self.beta,
                eps=self.epsilon,
            )
        count = x.numel() // x.shape[1]
        if count == 1:
            self._update(x.detach().flatten(), torch.zeros_like(self.moving_variance))
            return self._of_single_values(x)
        mean, variance = torch.zeros_like(self.moving_mean), torch.zeros_like(self.moving_variance)
        y = functional.batch_norm(
            x, mean, variance, self.gamma, self.beta, training=True, momentum=1.0, eps=self.epsilon
        )
        self._update(mean, variance * ((count - 1) / count))
        return y

    def _update(self, mean: Tensor, variance: Tensor) -> None:
        with torch.no_grad():
            self.moving_mean.lerp_(mean.to(self.moving_mean.dtype), 1 - self.momentum)
            self.moving_variance.lerp_(variance, 1 - self.momentum)

    def _of_single_values(self, x: Tensor) -> Tensor:
        y = x - x
        shape = (1, -1, 1, 1)[: x.ndim]
        if self.gamma is not None:
            y = y * self.gamma.view(shape)
        return y if self.beta is None else y + self.beta.view(shape)


class LayerNorm(nn.Module):
    """Layer normalisation over the channels of each pixel."""

    def __init__(self, channels: int, *, epsilon: float, center: bool, scale: bool) -> None:
        super().__init__()
        self.epsilon = epsilon
        self.gamma = nn.Parameter(torch.ones(channels)) if scale else None
        self.beta = nn.Parameter(torch.zeros(channels)) if center else None

    def _normalize(self, x: Tensor) -> Tensor:
        return functional.layer_norm(x, x.shape[-1:], self.gamma, self.beta, self.epsilon)

    def forward(self, x: Tensor) -> Tensor:
        return _over_channels(self._normalize, x)


class Activation(nn.Module):
    """An activation function by Keras's name."""

    def __init__(self, activation: str) -> None:
        super().__init__()
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        return ACTIVATION_FUNCTIONS[self.activation](x)

    def extra_repr(self) -> str:
        return self.activation


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
            y = torch.where(x >= self.threshold, x, below)
        return y if self.max_value is None else y.clamp(max=self.max_value)


class MaxPool2d(nn.Module):
    """Max pooling with Keras's paddings."""

    def __init__(self, window: Pair, strides: Pair, sides: Sides) -> None:
        super().__init__()
        self.window, self.strides = window, strides
        self.padding, self.explicit_padding = _padding_of(sides)

    def forward(self, x: Tensor) -> Tensor:
        if self.explicit_padding is not None:
            x = functional.pad(x, self.explicit_padding, value=float("-inf"))
        return functional.max_pool2d(x, self.window, self.strides, self.padding)


class AvgPool2d(nn.Module):
    """Average pooling in which only real pixels count."""

    counts: Tensor | None

    def __init__(self, size: Sequence[int], window: Pair, strides: Pair, sides: Sides) -> None:
        super().__init__()
        self.window, self.strides = window, strides
        self.padding, self.explicit_padding = _padding_of(sides)
        counts = None
        if self.explicit_padding is not None:
            ones = functional.pad(torch.ones(1, 1, *size), self.explicit_padding)
            counts = functional.avg_pool2d(ones, window, strides, divisor_override=1)
        self.register_buffer("counts", counts, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        if self.explicit_padding is None or self.counts is None:
            return functional.avg_pool2d(
                x, self.window, self.strides, self.padding, count_include_pad=False
            )
        x = functional.pad(x, self.explicit_padding)
        return functional.avg_pool2d(x, self.window, self.strides, divisor_override=1) / self.counts


class GlobalPool(nn.Module):
    """The mean or the maximum over the map."""

    def __init__(self, kind: str, *, keepdims: bool) -> None:
        super().__init__()
        self.kind, self.keepdims = kind, keepdims

    def forward(self, x: Tensor) -> Tensor:
        if self.kind == "mean":
            return x.mean((2, 3), keepdim=self.keepdims)
        return x.amax((2, 3), keepdim=self.keepdims)


class Flatten(nn.Module):
    """Maps to features, channels last."""

    def forward(self, x: Tensor) -> Tensor:
        return x if x.ndim == 2 else x.permute(0, 2, 3, 1).flatten(1)


class Rescaling(nn.Module):
    """``x * scale + offset``."""

    def __init__(self, scale: float, offset: float) -> None:
        super().__init__()
        self.scale, self.offset = scale, offset

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scale + self.offset
