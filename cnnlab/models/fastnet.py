"""fastnet: a network in cifar10-airbench's spirit that learns in few epochs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cnnlab.errors import ArchitectureError
from cnnlab.models.builders import BUILDERS, check_param
from cnnlab.models.layers import (
    Activation,
    BatchNormalization,
    Conv2D,
    Dense,
    GlobalMaxPooling2D,
    Layer,
    MaxPooling2D,
    Rescaling,
    Shape,
    shape_text,
)
from cnnlab.models.layers.arguments import argument, choice, flag, real, whole_numbers
from cnnlab.models.layers.base import Window, image_shape

if TYPE_CHECKING:
    from torch import nn

__all__ = ["WhiteningConv2D", "fastnet"]

_PATCH = 2
_MIN_SIDE = 8


@dataclass(frozen=True, kw_only=True)
class WhiteningConv2D(Layer):
    """A frozen 2x2 convolution that decorrelates patches, each filter also with its sign turned.

    Its 2 x 4C filters come from training images before the first step; only the bias learns,
    where ``trainable_bias``.
    """

    trainable_bias: bool = argument(flag, True)

    @staticmethod
    def _filters(shape: Shape) -> int:
        return 2 * _PATCH * _PATCH * shape[2]

    def _kernel(self, shape: Shape) -> int:
        return _PATCH * _PATCH * shape[2] * self._filters(shape)

    def infer(self, shape: Shape, /) -> Shape:
        height, width, _ = image_shape(shape)
        return height - _PATCH + 1, width - _PATCH + 1, self._filters(shape)

    def windows(self) -> tuple[Window, ...]:
        return (Window((_PATCH, _PATCH), (1, 1)),)

    def trainable_params(self, shape: Shape, /) -> int:
        return self.trainable_bias * self._filters(shape)

    def non_trainable_params(self, shape: Shape, /) -> int:
        return self._kernel(shape) + (not self.trainable_bias) * self._filters(shape)

    def flops(self, shape: Shape, /) -> int:
        height, width, _ = self.infer(shape)
        return 2 * self._kernel(shape) * height * width

    def build(self, shape: Shape, /) -> nn.Module:
        from cnnlab.models.modules import WhiteningConv2d

        return WhiteningConv2d(shape[2], _PATCH, trainable_bias=self.trainable_bias)


def _norm() -> BatchNormalization:
    # The moving statistics follow the last few batches only: training lasts few epochs.
    return BatchNormalization(momentum=0.4, epsilon=1e-5, scale=False)


def _conv(filters: int) -> Conv2D:
    return Conv2D(
        filters=filters,
        kernel_size=(3, 3),
        padding="same",
        use_bias=False,
        kernel_initializer="dirac",
    )


_widths, _depths = whole_numbers(8, 8192, most=8), whole_numbers(1, 8, most=8)


@BUILDERS.register("fastnet")
def fastnet(
    input_shape: tuple[int, int, int],
    classes: int,
    *,
    widths: Any = (64, 256, 256),
    depths: Any = None,
    activation: Any = "gelu",
    logit_scale: Any = 1 / 9,
    trainable_bias: Any = True,
    whitening: Any = True,
) -> list[Layer]:
    """Few-epoch network after cifar10-airbench: frozen whitening layer, three wide blocks.

    Source: K. Jordan, "94% on CIFAR-10 in 3.29 seconds on a single GPU", 2024; written anew.

    Parameters
    ----------
    widths: filters of each block. A block is convolution, pooling, normalisation, activation,
        and further convolutions, each with normalisation and activation. A map of one row or
        column is not pooled further.
    depths: convolutions of each block, two where it is None.
    activation: "gelu", or "relu", which is cheaper where GELU has no fast kernel.
    logit_scale: what the head's output is multiplied by; small logits learn faster at first.
    trainable_bias: whether the whitening layer's bias learns.
    whitening: False puts a convolution of the same size there that begins at random and learns.
    """
    function = Activation(activation=check_param("activation", activation, choice("gelu", "relu")))
    if min(input_shape[:2]) < _MIN_SIDE:
        raise ArchitectureError(
            f"images of {shape_text(input_shape)} are too small for fastnet",
            where="input_shape",
            expected=f"height and width of at least {_MIN_SIDE}",
        )
    whitener = WhiteningConv2D(trainable_bias=check_param("trainable_bias", trainable_bias, flag))
    patches = whitener.infer(input_shape)
    first: Layer = whitener
    if not check_param("whitening", whitening, flag):
        first = Conv2D(filters=patches[2], kernel_size=(_PATCH, _PATCH))
    layers: list[Layer] = [first, function]
    side = min(patches[:2])
    widths = check_param("widths", widths, _widths)
    depths = [2] * len(widths) if depths is None else check_param("depths", depths, _depths)
    if len(widths) != len(depths):
        raise ArchitectureError(
            f"{len(widths)} widths and {len(depths)} depths",
            where="params",
            expected="one of each for every block",
        )
    for width, depth in zip(widths, depths, strict=True):
        layers.append(_conv(width))
        if side >= 2:
            layers.append(MaxPooling2D())
            side //= 2
        layers += [_norm(), function]
        layers += [_conv(width), _norm(), function] * (depth - 1)
    scale = check_param("logit_scale", logit_scale, real(0, 1000, above=True))
    head = Dense(units=classes, use_bias=False, kernel_initializer="fan_in_uniform")
    return [*layers, GlobalMaxPooling2D(), head, Rescaling(scale=scale)]
