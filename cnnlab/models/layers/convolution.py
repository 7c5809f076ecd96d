"""Convolutions: Conv2D, DepthwiseConv2D, SeparableConv2D."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

from cnnlab.errors import ArchitectureError
from cnnlab.models.layers.arguments import (
    activation,
    argument,
    choice,
    count,
    flag,
    initializer,
    pair,
    whole,
)
from cnnlab.models.layers.base import LAYERS, Layer, Shape, Window, image_shape
from cnnlab.models.layers.window import Pair, Sides, same_padding, slide

if TYPE_CHECKING:
    from torch import nn

__all__ = ["Conv2D", "DepthwiseConv2D", "SeparableConv2D"]


@dataclass(frozen=True, kw_only=True)
class _Convolution(Layer):
    """What the three share."""

    kernel_size: tuple[int, int] = argument(pair())
    strides: tuple[int, int] = argument(pair(), (1, 1))
    padding: str = argument(choice("valid", "same"), "valid")
    dilation_rate: tuple[int, int] = argument(pair(), (1, 1))
    activation: str = argument(activation, None)
    use_bias: bool = argument(flag, True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ArchitectureError(
                "strides and dilation_rate are both above 1", expected="one of them to be 1"
            )

    def windows(self) -> tuple[Window, ...]:
        rows, columns = (
            (size - 1) * step + 1
            for size, step in zip(self.kernel_size, self.dilation_rate, strict=True)
        )
        return (Window((rows, columns), self.strides),)

    def _slide(self, shape: Shape) -> Pair:
        return slide(
            shape, self.kernel_size, self.strides, self.padding, dilation=self.dilation_rate
        )

    def _sides(self, shape: Shape) -> Sides:
        if self.padding == "valid":
            return (0, 0), (0, 0)
        return same_padding(shape, self.kernel_size, self.strides, self.dilation_rate)


@LAYERS.register("Conv2D")
@dataclass(frozen=True, kw_only=True)
class Conv2D(_Convolution):
    """Keras's ``Conv2D``."""

    filters: int = argument(count())
    groups: int = argument(whole(), 1)
    kernel_initializer: str = argument(initializer, "glorot_uniform")

    def infer(self, shape: Shape, /) -> Shape:
        channels = image_shape(shape)[2]
        for number, what in ((channels, "channels of its input"), (self.filters, "filters")):
            if number % self.groups:
                raise ArchitectureError(
                    f"{self.groups} groups do not divide the {number} {what}",
                    expected="groups that divide both channels and filters",
                )
        return (*self._slide(shape), self.filters)

    def _kernel(self, shape: Shape) -> int:
        return prod(self.kernel_size) * (shape[2] // self.groups) * self.filters

    def trainable_params(self, shape: Shape, /) -> int:
        return self._kernel(shape) + self.use_bias * self.filters

    def flops(self, shape: Shape, /) -> int:
        return 2 * self._kernel(shape) * prod(self._slide(shape))

    def build(self, shape: Shape, /) -> nn.Module:
        from cnnlab.models import modules

        return modules.Conv2d(
            shape[2],
            self.filters,
            self.kernel_size,
            strides=self.strides,
            sides=self._sides(shape),
            dilation=self.dilation_rate,
            groups=self.groups,
            bias=self.use_bias,
            activation=self.activation,
            initializer=self.kernel_initializer,
        )


@LAYERS.register("DepthwiseConv2D")
@dataclass(frozen=True, kw_only=True)
class DepthwiseConv2D(_Convolution):
    """Keras's ``DepthwiseConv2D``: each channel has ``depth_multiplier`` filters of its own."""

    depth_multiplier: int = argument(whole(), 1)

    def infer(self, shape: Shape, /) -> Shape:
        channels = image_shape(shape)[2]
        return (*self._slide(shape), channels * self.depth_multiplier)

    def _kernel(self, shape: Shape) -> int:
        return prod(self.kernel_size) * shape[2] * self.depth_multiplier

    def trainable_params(self, shape: Shape, /) -> int:
        return self._kernel(shape) + self.use_bias * shape[2] * self.depth_multiplier

    def flops(self, shape: Shape, /) -> int:
        return 2 * self._kernel(shape) * prod(self._slide(shape))

    def build(self, shape: Shape, /) -> nn.Module:
        from cnnlab.models import modules

        area = prod(self.kernel_size)
        return modules.Conv2d(
            shape[2],
            shape[2] * self.depth_multiplier,
            self.kernel_size,
            strides=self.strides,
            sides=self._sides(shape),
            dilation=self.dilation_rate,
            groups=shape[2],
            bias=self.use_bias,
            activation=self.activation,
            # Keras draws by the kernel's shape (kh, kw, channels, multiplier).
            fans=(area * shape[2], area * self.depth_multiplier),
        )


@LAYERS.register("SeparableConv2D")
@dataclass(frozen=True, kw_only=True)
class SeparableConv2D(_Convolution):
    """Keras's ``SeparableConv2D``: depthwise without bias, then 1x1 with bias and activation."""

    filters: int = argument(count())
    depth_multiplier: int = argument(whole(), 1)

    def _parts(self) -> tuple[DepthwiseConv2D, Conv2D]:
        depthwise = DepthwiseConv2D(
            kernel_size=self.kernel_size,
            strides=self.strides,
            padding=self.padding,
            dilation_rate=self.dilation_rate,
            depth_multiplier=self.depth_multiplier,
            use_bias=False,
        )
        pointwise = Conv2D(
            filters=self.filters,
            kernel_size=(1, 1),
            activation=self.activation,
            use_bias=self.use_bias,
        )
        return depthwise, pointwise

    def infer(self, shape: Shape, /) -> Shape:
        depthwise, pointwise = self._parts()
        return pointwise.infer(depthwise.infer(shape))

    def trainable_params(self, shape: Shape, /) -> int:
        depthwise, pointwise = self._parts()
        middle = depthwise.infer(shape)
        return depthwise.trainable_params(shape) + pointwise.trainable_params(middle)

    def flops(self, shape: Shape, /) -> int:
        depthwise, pointwise = self._parts()
        return depthwise.flops(shape) + pointwise.flops(depthwise.infer(shape))

    def build(self, shape: Shape, /) -> nn.Module:
        from cnnlab.models import modules

        depthwise, pointwise = self._parts()
        return modules.Chain(
            depthwise=depthwise.build(shape), pointwise=pointwise.build(depthwise.infer(shape))
        )
