"""BatchNormalization and LayerNormalization, over the channels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cnnlab.models.layers.arguments import argument, flag, real
from cnnlab.models.layers.base import LAYERS, Layer, Shape

if TYPE_CHECKING:
    from torch import nn

__all__ = ["BatchNormalization", "LayerNormalization"]


@dataclass(frozen=True, kw_only=True)
class _Normalization(Layer):
    epsilon: float = argument(real(0, 1, above=True), 1e-3)
    center: bool = argument(flag, True)
    scale: bool = argument(flag, True)

    def trainable_params(self, shape: Shape, /) -> int:
        return (self.center + self.scale) * shape[-1]


@LAYERS.register("BatchNormalization")
@dataclass(frozen=True, kw_only=True)
class BatchNormalization(_Normalization):
    """Keras's ``BatchNormalization`` over the channels.

    ``momentum`` is the share of the old moving statistics that is kept (torch's is the share of
    the new), and the moving variance is that of the biased batch variance (torch's is not).
    """

    momentum: float = argument(real(0, 1), 0.99)

    def non_trainable_params(self, shape: Shape, /) -> int:
        return 2 * shape[-1]

    def build(self, shape: Shape, /) -> nn.Module:
        from cnnlab.models import modules

        return modules.BatchNorm(
            shape[-1],
            momentum=self.momentum,
            epsilon=self.epsilon,
            center=self.center,
            scale=self.scale,
        )


@LAYERS.register("LayerNormalization")
@dataclass(frozen=True, kw_only=True)
class LayerNormalization(_Normalization):
    """Keras's ``LayerNormalization`` on its default axis: over the channels of each pixel."""

    def build(self, shape: Shape, /) -> nn.Module:
        from cnnlab.models import modules

        return modules.LayerNorm(
            shape[-1], epsilon=self.epsilon, center=self.center, scale=self.scale
        )
