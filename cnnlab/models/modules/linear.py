"""Convolutions and dense layers."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from cnnlab.models.modules.activation import activate_own
from cnnlab.models.modules.padding import Pair, Sides, split_padding
from cnnlab.models.modules.shaping import over_channels
from cnnlab.models.modules.weights import draw_kernel

__all__ = ["Conv2d", "Dense"]


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
        padding, self.explicit_padding = split_padding(sides)
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
        return activate_own(super().forward(x), self.activation)


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
        return activate_own(over_channels(super().forward, x), self.activation)
