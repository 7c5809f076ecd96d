"""The layer vocabulary's torch modules.

They take and give ``[N, C, H, W]`` (in any memory format) or ``[N, features]``, and behave as
Keras's layers do on the same data with the channels last. Weights are empty until
``draw_weights``.
"""

from __future__ import annotations

from cnnlab.models.modules.activation import ACTIVATION_FUNCTIONS, Activation, ReLU
from cnnlab.models.modules.linear import Conv2d, Dense
from cnnlab.models.modules.normalization import BatchNorm, LayerNorm
from cnnlab.models.modules.pooling import AvgPool2d, GlobalPool, MaxPool2d
from cnnlab.models.modules.shaping import Chain, Flatten, Rescaling, Residual
from cnnlab.models.modules.weights import draw_weights
from cnnlab.models.modules.whitening import WhiteningConv2d

__all__ = [
    "ACTIVATION_FUNCTIONS",
    "Activation",
    "AvgPool2d",
    "BatchNorm",
    "Chain",
    "Conv2d",
    "Dense",
    "Flatten",
    "GlobalPool",
    "LayerNorm",
    "MaxPool2d",
    "ReLU",
    "Rescaling",
    "Residual",
    "WhiteningConv2d",
    "draw_weights",
]
