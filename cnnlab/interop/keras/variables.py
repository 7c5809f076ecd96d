"""A layer's variables in Keras and here: their order, names, shapes and layouts."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cnnlab.models.layers import (
    BatchNormalization,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    LayerNormalization,
    SeparableConv2D,
)
from cnnlab.models.plan import Step

__all__ = ["Variable", "variables_of"]

Array = NDArray[np.float32]


class Layout(NamedTuple):
    """How an array of Keras's becomes one of torch's, and back: given that, and Keras's shape."""

    to_torch: Callable[[Array], Array]
    to_keras: Callable[[Array, tuple[int, ...]], Array]


def _depthwise_to_keras(array: Array, shape: tuple[int, ...]) -> Array:
    rows, columns, channels, multiplier = shape
    return array.reshape(channels, multiplier, rows, columns).transpose(2, 3, 0, 1)


_PLAIN = Layout(lambda array: array, lambda array, _: array)
_DENSE = Layout(lambda array: array.T, lambda array, _: array.T)
#: (rows, columns, input channels, filters) and (filters, input channels, rows, columns).
_KERNEL = Layout(
    lambda array: array.transpose(3, 2, 0, 1), lambda array, _: array.transpose(2, 3, 1, 0)
)
#: (rows, columns, channels, multiplier) and (channels * multiplier, 1, rows, columns).
_DEPTHWISE = Layout(
    lambda array: array.transpose(2, 3, 0, 1).reshape(-1, 1, *array.shape[:2]), _depthwise_to_keras
)


class Variable(NamedTuple):
    """One array of a layer.

    Attributes
    ----------
    name: in our module's state.
    shape: in Keras.
    layout: how one becomes the other.
    """

    name: str
    shape: tuple[int, ...]
    layout: Layout = _PLAIN

    def to_torch(self, array: Array) -> Array:
        """Keras's array in torch's layout, contiguous."""
        return np.ascontiguousarray(self.layout.to_torch(array))

    def to_keras(self, array: Array) -> Array:
        """torch's array in Keras's layout."""
        return self.layout.to_keras(array, self.shape)


def variables_of(step: Step) -> tuple[Variable, ...]:
    """The variables of a layer in the order in which Keras keeps them."""
    layer, shape = step.layer, step.input_shape
    channels = shape[-1]
    if isinstance(layer, Conv2D):
        kernel = (*layer.kernel_size, channels // layer.groups, layer.filters)
        bias = _bias("bias", layer.filters, wanted=layer.use_bias)
        return (Variable("weight", kernel, _KERNEL), *bias)
    if isinstance(layer, DepthwiseConv2D):
        kernel = (*layer.kernel_size, channels, layer.depth_multiplier)
        bias = _bias("bias", channels * layer.depth_multiplier, wanted=layer.use_bias)
        return (Variable("weight", kernel, _DEPTHWISE), *bias)
    if isinstance(layer, SeparableConv2D):
        depthwise = (*layer.kernel_size, channels, layer.depth_multiplier)
        pointwise = (1, 1, channels * layer.depth_multiplier, layer.filters)
        return (
            Variable("depthwise.weight", depthwise, _DEPTHWISE),
            Variable("pointwise.weight", pointwise, _KERNEL),
            *_bias("pointwise.bias", layer.filters, wanted=layer.use_bias),
        )
    if isinstance(layer, Dense):
        bias = _bias("bias", layer.units, wanted=layer.use_bias)
        return (Variable("weight", (channels, layer.units), _DENSE), *bias)
    if isinstance(layer, BatchNormalization | LayerNormalization):
        names = ["gamma"] * layer.scale + ["beta"] * layer.center
        if isinstance(layer, BatchNormalization):
            names += ["moving_mean", "moving_variance"]
        return tuple(Variable(name, (channels,)) for name in names)
    return ()


def _bias(name: str, size: int, *, wanted: bool) -> tuple[Variable, ...]:
    return (Variable(name, (size,)),) if wanted else ()
