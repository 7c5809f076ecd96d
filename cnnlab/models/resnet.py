"""ResNet-18 in its form for 32x32 images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cnnlab.errors import ArchitectureError
from cnnlab.models.builders import BUILDERS, check_param
from cnnlab.models.layers import (
    Activation,
    BatchNormalization,
    Conv2D,
    Dense,
    GlobalAveragePooling2D,
    Layer,
    Shape,
    shape_text,
)
from cnnlab.models.layers.arguments import argument, whole
from cnnlab.models.layers.base import Window

if TYPE_CHECKING:
    from torch import nn

__all__ = ["ResidualBlock", "resnet18"]

_MIN_SIDE = 8


def _conv(filters: int, kernel_size: int, strides: int = 1) -> list[Layer]:
    conv = Conv2D(
        filters=filters,
        kernel_size=(kernel_size, kernel_size),
        strides=(strides, strides),
        padding="same",
        use_bias=False,
        kernel_initializer="he_normal",
    )
    # The paper's settings, not Keras's.
    return [conv, BatchNormalization(epsilon=1e-5, momentum=0.9)]


@dataclass(frozen=True, kw_only=True)
class ResidualBlock(Layer):
    """Two 3x3 convolutions beside a shortcut (He et al., 2015), the basic block.

    Where the size or the channels change the shortcut is a 1x1 convolution, else the input itself.
    """

    filters: int = argument(whole())
    strides: int = argument(whole(), 1)

    def _main(self) -> list[Layer]:
        relu = Activation(activation="relu")
        return [*_conv(self.filters, 3, self.strides), relu, *_conv(self.filters, 3)]

    def _shortcut(self, shape: Shape) -> list[Layer]:
        if self.strides == 1 and shape[-1] == self.filters:
            return []
        return _conv(self.filters, 1, self.strides)

    def windows(self) -> tuple[Window, ...]:
        return tuple(window for layer in self._main() for window in layer.windows())

    def infer(self, shape: Shape, /) -> Shape:
        return _follow(self._main(), shape)[-1]

    def trainable_params(self, shape: Shape, /) -> int:
        return self._total("trainable_params", shape)

    def non_trainable_params(self, shape: Shape, /) -> int:
        return self._total("non_trainable_params", shape)

    def flops(self, shape: Shape, /) -> int:
        return self._total("flops", shape)

    def activation_values(self, shape: Shape, /) -> int:
        return self._total("activation_values", shape)

    def _total(self, what: str, shape: Shape) -> int:
        return sum(
            getattr(layer, what)(size)
            for layers in (self._main(), self._shortcut(shape))
            for layer, size in zip(layers, _follow(layers, shape), strict=False)
        )

    def build(self, shape: Shape, /) -> nn.Module:
        from cnnlab.models import modules

        return modules.Residual(
            _chain(self._main(), shape), _chain(self._shortcut(shape), shape), activation="relu"
        )


def _follow(layers: Sequence[Layer], shape: Shape) -> list[Shape]:
    """The input shape of each layer, and at the end the output shape."""
    shapes = [shape]
    for layer in layers:
        shapes.append(layer.infer(shapes[-1]))
    return shapes


def _chain(layers: Sequence[Layer], shape: Shape) -> nn.Module:
    from cnnlab.models import modules

    sizes = _follow(layers, shape)
    parts = {
        f"{type(layer).__name__.lower()}_{number}": layer.build(size)
        for number, (layer, size) in enumerate(zip(layers, sizes, strict=False), start=1)
    }
    return modules.Chain(**parts)


@BUILDERS.register("resnet18")
def resnet18(input_shape: tuple[int, int, int], classes: int, *, width: Any = 64) -> list[Layer]:
    """ResNet-18 for small images: 3x3 stem, no first pooling, four stages of two blocks.

    Source: He et al., "Deep residual learning for image recognition", 2015, in the form that its
    section 4.2 and later practice use for 32x32 images. ``width`` is the first stage's filters.
    """
    filters = check_param("width", width, whole(1, 4096))
    if min(input_shape[:2]) < _MIN_SIDE:
        raise ArchitectureError(
            f"images of {shape_text(input_shape)} are too small for resnet18",
            where="input_shape",
            expected=f"height and width of at least {_MIN_SIDE}",
        )
    blocks = [
        ResidualBlock(filters=filters << stage, strides=2 if stage and not block else 1)
        for stage in range(4)
        for block in range(2)
    ]
    return [
        *_conv(filters, 3),
        Activation(activation="relu"),
        *blocks,
        GlobalAveragePooling2D(),
        Dense(units=classes),
    ]
