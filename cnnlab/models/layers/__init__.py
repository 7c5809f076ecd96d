"""The Keras layer vocabulary: Keras's class names, argument names and defaults."""

from __future__ import annotations

from cnnlab.models.layers.base import LAYERS, Layer, Shape, parse_layer, shape_text
from cnnlab.models.layers.convolution import Conv2D, DepthwiseConv2D, SeparableConv2D
from cnnlab.models.layers.core import (
    Activation,
    Dense,
    Dropout,
    Flatten,
    LeakyReLU,
    ReLU,
    Rescaling,
    SpatialDropout2D,
    ZeroPadding2D,
)
from cnnlab.models.layers.normalization import BatchNormalization, LayerNormalization
from cnnlab.models.layers.pooling import (
    AveragePooling2D,
    GlobalAveragePooling2D,
    GlobalMaxPooling2D,
    MaxPooling2D,
)

__all__ = [
    "LAYERS",
    "Activation",
    "AveragePooling2D",
    "BatchNormalization",
    "Conv2D",
    "Dense",
    "DepthwiseConv2D",
    "Dropout",
    "Flatten",
    "GlobalAveragePooling2D",
    "GlobalMaxPooling2D",
    "Layer",
    "LayerNormalization",
    "LeakyReLU",
    "MaxPooling2D",
    "ReLU",
    "Rescaling",
    "SeparableConv2D",
    "Shape",
    "SpatialDropout2D",
    "ZeroPadding2D",
    "parse_layer",
    "shape_text",
]
