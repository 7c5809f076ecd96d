"""Dense, activations, dropout and the layers that only move numbers about."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

from cnnlab.models.layers.arguments import (
    activation,
    argument,
    count,
    flag,
    initializer,
    optional,
    real,
    sides,
)
from cnnlab.models.layers.base import LAYERS, Layer, Shape, image_shape

if TYPE_CHECKING:
    from torch import nn

__all__ = [
    "Activation",
    "Dense",
    "Dropout",
    "Flatten",
    "LeakyReLU",
    "ReLU",
    "Rescaling",
    "SpatialDropout2D",
    "ZeroPadding2D",
]


@LAYERS.register("Dense")
@dataclass(frozen=True, kw_only=True)
class Dense(Layer):
    """Keras's ``Dense``; on a map it acts on the channels of each pixel."""

    units: int = argument(count(1 << 20))
    activation: str = argument(activation, None)
    use_bias: bool = argument(flag, True)
    kernel_initializer: str = argument(initializer, "glorot_uniform")

    def infer(self, shape: Shape, /) -> Shape:
        return (*shape[:-1], self.units)

    def trainable_params(self, shape: Shape, /) -> int:
        return (shape[-1] + self.use_bias) * self.units

    def flops(self, shape: Shape, /) -> int:
        return 2 * prod(shape) * self.units

    def build(self, shape: Shape, /) -> nn.Module:
        from cnnlab.models import modules

        return modules.Dense(
            shape[-1],
            self.units,
            bias=self.use_bias,
            activation=self.activation,
            initializer=self.kernel_initializer,
        )


@LAYERS.register("Activation")
@dataclass(frozen=True, kw_only=True)
class Activation(Layer):
    """Keras's ``Activation``; softmax is over the channels."""

    activation: str = argument(activation)

    def build(self, _shape: Shape, /) -> nn.Module:
        from cnnlab.models import modules

        return modules.Activation(self.activation)


@LAYERS.register("ReLU")
@dataclass(frozen=True, kw_only=True)
class ReLU(Layer):
    """Keras's ``ReLU``: x above ``threshold`` up to ``max_value``, a slope below."""

    max_value: float | None = argument(optional(real(0)), None)
    negative_slope: float = argument(real(0), 0.0)
    threshold: float = argument(real(0), 0.0)

    def build(self, _shape: Shape, /) -> nn.Module:
        from cnnlab.models import modules

        return modules.ReLU(self.max_value, self.negative_slope, self.threshold)


@LAYERS.register("LeakyReLU")
@dataclass(frozen=True, kw_only=True)
class LeakyReLU(Layer):
    """Keras's ``LeakyReLU`` (slope 0.3; the activation ``leaky_relu`` has 0.2)."""

    negative_slope: float = argument(real(0), 0.3)

    def build(self, _shape: Shape, /) -> nn.Module:
        from cnnlab.models import modules

        return modules.ReLU(None, self.negative_slope, 0.0)


@LAYERS.register("Dropout")
@dataclass(frozen=True, kw_only=True)
class Dropout(Layer):
    """Keras's ``Dropout``: single values fall out, in training only."""

    rate: float = argument(real(0, 1))

    def build(self, _shape: Shape, /) -> nn.Module:
        from torch import nn

        return nn.Dropout(self.rate)


@LAYERS.register("SpatialDropout2D")
@dataclass(frozen=True, kw_only=True)
class SpatialDropout2D(Layer):
    """Keras's ``SpatialDropout2D``: whole channels fall out, in training only."""

    rate: float = argument(real(0, 1))

    def infer(self, shape: Shape, /) -> Shape:
        return image_shape(shape)

    def build(self, _shape: Shape, /) -> nn.Module:
        from torch import nn

        return nn.Dropout2d(self.rate)


@LAYERS.register("Flatten")
@dataclass(frozen=True, kw_only=True)
class Flatten(Layer):
    """Keras's ``Flatten``: channels last, so that a dense kernel means the same as in Keras."""

    def infer(self, shape: Shape, /) -> Shape:
        return (prod(shape),)

    def build(self, _shape: Shape, /) -> nn.Module:
        from cnnlab.models import modules

        return modules.Flatten()


@LAYERS.register("ZeroPadding2D")
@dataclass(frozen=True, kw_only=True)
class ZeroPadding2D(Layer):
    """Keras's ``ZeroPadding2D``."""

    padding: tuple[tuple[int, int], tuple[int, int]] = argument(sides, (1, 1))

    def infer(self, shape: Shape, /) -> Shape:
        height, width, channels = image_shape(shape)
        return height + sum(self.padding[0]), width + sum(self.padding[1]), channels

    def build(self, _shape: Shape, /) -> nn.Module:
        from torch import nn

        (top, bottom), (left, right) = self.padding
        return nn.ZeroPad2d((left, right, top, bottom))


@LAYERS.register("Rescaling")
@dataclass(frozen=True, kw_only=True)
class Rescaling(Layer):
    """Keras's ``Rescaling``: ``x * scale + offset``."""

    scale: float = argument(real())
    offset: float = argument(real(), 0.0)

    def build(self, _shape: Shape, /) -> nn.Module:
        from cnnlab.models import modules

        return modules.Rescaling(self.scale, self.offset)
