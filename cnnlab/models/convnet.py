"""convnet: the family of plain convolutional networks that the report's model F is one of."""

from __future__ import annotations

from typing import Any

from cnnlab.errors import ArchitectureError
from cnnlab.models.builders import BUILDERS, check_param
from cnnlab.models.layers import (
    Activation,
    BatchNormalization,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    Layer,
    MaxPooling2D,
    SpatialDropout2D,
    shape_text,
)
from cnnlab.models.layers.arguments import choice, flag, real, whole, whole_numbers

__all__ = ["convnet"]

_MIN_SIDE = 8
_MOST_BLOCKS = 8
#: What model F has, block by block; further blocks are as its last one.
_DEPTHS, _KERNELS = (1, 2, 1), (5, 5, 3)

_widths = whole_numbers(1, 8192, most=_MOST_BLOCKS)
_depths = whole_numbers(1, 8, most=_MOST_BLOCKS)
_kernels = whole_numbers(1, 31, most=_MOST_BLOCKS)


@BUILDERS.register("convnet")
def convnet(
    input_shape: tuple[int, int, int],
    classes: int,
    *,
    widths: Any = (64, 128, 256),
    depths: Any = None,
    kernels: Any = None,
    batchnorm: Any = True,
    activation: Any = "relu",
    spatial_dropout: Any = 0.15,
    dense: Any = 256,
    dropout: Any = 0.25,
) -> list[Layer]:
    """Blocks of convolutions and a dense layer; as it stands, it is the report's model F.

    Parameters
    ----------
    widths: filters of each block. A block is convolutions, each with normalisation and activation,
        then pooling. A map of one row or column is not pooled further.
    depths: convolutions of each block; None: as model F, 1, 2 and 1, then 1 each.
    kernels: side of each block's first kernel, those after it are 3x3; None: 5, 5 and 3, then 3.
    batchnorm: whether convolutions and the dense layer are normalised.
    activation: "relu", "gelu", "elu" or "silu".
    spatial_dropout: share of channels that fall out after every block but the first and the last.
    dense: units of the hidden dense layer; 0: there is none.
    dropout: share of values that fall out before the head.
    """
    if min(input_shape[:2]) < _MIN_SIDE:
        raise ArchitectureError(
            f"images of {shape_text(input_shape)} are too small for convnet",
            where="input_shape",
            expected=f"height and width of at least {_MIN_SIDE}",
        )
    widths = check_param("widths", widths, _widths)
    depths = _a_block("depths", depths, len(widths), _DEPTHS, _depths)
    kernels = _a_block("kernels", kernels, len(widths), _KERNELS, _kernels)
    after = _after(batchnorm, activation)
    between = check_param("spatial_dropout", spatial_dropout, real(0, 1))
    units = check_param("dense", dense, whole(0, 1 << 16))
    last = check_param("dropout", dropout, real(0, 1))
    layers: list[Layer] = []
    side = min(input_shape[:2])
    for block, (width, depth, kernel) in enumerate(zip(widths, depths, kernels, strict=True)):
        for first in [True] + [False] * (depth - 1):
            size = kernel if first else 3
            layers += [Conv2D(filters=width, kernel_size=(size, size), padding="same"), *after]
        if side >= 2:
            layers.append(MaxPooling2D())
            side //= 2
        if between and 0 < block < len(widths) - 1:
            layers.append(SpatialDropout2D(rate=between))
    layers.append(Flatten())
    if units:
        layers += [Dense(units=units), *after]
    if last:
        layers.append(Dropout(rate=last))
    return [*layers, Dense(units=classes)]


def _after(batchnorm: Any, activation: Any) -> list[Layer]:
    """What follows a convolution or a dense layer."""
    names = choice("relu", "gelu", "elu", "silu")
    function = Activation(activation=check_param("activation", activation, names))
    if check_param("batchnorm", batchnorm, flag):
        return [BatchNormalization(), function]
    return [function]


def _a_block(name: str, given: Any, blocks: int, usual: tuple[int, ...], check: Any) -> list[int]:
    """A number for each block; where none are given the usual ones, the last one for the rest."""
    if given is None:
        return [usual[min(block, len(usual) - 1)] for block in range(blocks)]
    numbers: list[int] = check_param(name, given, check)
    if len(numbers) != blocks:
        raise ArchitectureError(
            f"{blocks} widths and {len(numbers)} {name}",
            where="params",
            expected="one of each for every block",
        )
    return numbers
