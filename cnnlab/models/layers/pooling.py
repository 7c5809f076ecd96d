"""Pooling: over windows, and over the whole map."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cnnlab.models.layers.arguments import argument, choice, flag, optional, pair
from cnnlab.models.layers.base import LAYERS, Layer, Shape, Window, image_shape
from cnnlab.models.layers.window import Pair, Sides, same_padding, slide

if TYPE_CHECKING:
    from torch import nn

__all__ = ["AveragePooling2D", "GlobalAveragePooling2D", "GlobalMaxPooling2D", "MaxPooling2D"]


@dataclass(frozen=True, kw_only=True)
class _Pooling(Layer):
    pool_size: tuple[int, int] = argument(pair())
    strides: tuple[int, int] | None = argument(optional(pair()), None)
    padding: str = argument(choice("valid", "same"), "valid")

    @property
    def _steps(self) -> Pair:
        return self.strides or self.pool_size

    def windows(self) -> tuple[Window, ...]:
        return (Window(self.pool_size, self._steps),)

    def infer(self, shape: Shape, /) -> Shape:
        size = slide(shape, self.pool_size, self._steps, self.padding, called="pool_size")
        return (*size, shape[2])

    def _sides(self, shape: Shape) -> Sides:
        if self.padding == "valid":
            return (0, 0), (0, 0)
        return same_padding(shape, self.pool_size, self._steps)


@LAYERS.register("MaxPooling2D")
@dataclass(frozen=True, kw_only=True)
class MaxPooling2D(_Pooling):
    """Keras's ``MaxPooling2D``; ``strides`` are the pool's size where they are not given."""

    pool_size: tuple[int, int] = argument(pair(), (2, 2))

    def build(self, shape: Shape, /) -> nn.Module:
        from cnnlab.models import modules

        return modules.MaxPool2d(self.pool_size, self._steps, self._sides(shape))


@LAYERS.register("AveragePooling2D")
@dataclass(frozen=True, kw_only=True)
class AveragePooling2D(_Pooling):
    """Keras's ``AveragePooling2D``; with "same" padding only real pixels count.

    That is what Keras does on TensorFlow and JAX. On torch it repeats the edge instead where the
    padding is uneven, so there the three disagree among themselves.
    """

    def build(self, shape: Shape, /) -> nn.Module:
        from cnnlab.models import modules

        return modules.AvgPool2d(shape[:2], self.pool_size, self._steps, self._sides(shape))


@dataclass(frozen=True, kw_only=True)
class _GlobalPooling(Layer):
    keepdims: bool = argument(flag, False)

    def infer(self, shape: Shape, /) -> Shape:
        channels = image_shape(shape)[2]
        return (1, 1, channels) if self.keepdims else (channels,)

    @abstractmethod
    def build(self, shape: Shape, /) -> nn.Module: ...


@LAYERS.register("GlobalAveragePooling2D")
@dataclass(frozen=True, kw_only=True)
class GlobalAveragePooling2D(_GlobalPooling):
    """Keras's ``GlobalAveragePooling2D``."""

    def build(self, _shape: Shape, /) -> nn.Module:
        from cnnlab.models import modules

        return modules.GlobalPool("mean", keepdims=self.keepdims)


@LAYERS.register("GlobalMaxPooling2D")
@dataclass(frozen=True, kw_only=True)
class GlobalMaxPooling2D(_GlobalPooling):
    """Keras's ``GlobalMaxPooling2D``."""

    def build(self, _shape: Shape, /) -> nn.Module:
        from cnnlab.models import modules

        return modules.GlobalPool("max", keepdims=self.keepdims)
