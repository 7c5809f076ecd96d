"""Which of Keras's layers and arguments there are here, and what each of them means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from cnnlab.interop.keras.chain import Node
from cnnlab.models.layers.arguments import shown

__all__ = ["INACTIVE", "RULES", "SILENT", "Rule", "check_axis", "is_for_training"]

#: Layers that do nothing when images are predicted.
INACTIVE = frozenset(
    {
        *("ActivityRegularization", "AlphaDropout", "AugMix", "GaussianDropout", "GaussianNoise"),
        *("RandAugment", "RandomBrightness", "RandomColorDegeneration", "RandomColorJitter"),
        *("RandomContrast", "RandomElasticTransform", "RandomErasing", "RandomFlip"),
        *("RandomGaussianBlur", "RandomGrayscale", "RandomHeight", "RandomHue", "RandomInvert"),
        *("RandomPerspective", "RandomPosterization", "RandomRotation", "RandomSaturation"),
        *("RandomSharpness", "RandomShear", "RandomTranslation", "RandomWidth", "RandomZoom"),
    }
)
#: Layers of which nothing need be said when they are left out.
SILENT = frozenset({"Identity", "InputLayer"})

_FALSE = (None, False)
#: Arguments that say how a layer is called, seeded or stored, and not what it computes.
_ANYWAY = frozenset({"batch_input_shape", "dtype", "name", "seed", "trainable", "synchronized"})
#: Endings of arguments that act in training only; kernel_initializer is taken where it is known.
_TRAINING = ("_initializer", "_regularizer", "_constraint", "_clipping", "_momentum")


def is_for_training(argument: str) -> bool:
    """Whether an argument does not change what a trained layer computes."""
    return argument in _ANYWAY or argument.endswith(_TRAINING)


class Rule(NamedTuple):
    """A layer of Keras's that is a layer of ours of the same name.

    Attributes
    ----------
    takes: arguments that mean the same in both.
    only: others, each with the values that it may have; any other that is neither None nor False
        is refused.
    axis: whether an argument ``axis`` has to be that of the channels.
    """

    takes: tuple[str, ...] = ()
    only: Mapping[str, tuple[Any, ...]] = {}
    axis: bool = False


_LAST = {"data_format": ("channels_last", None)}
_WINDOW = ("kernel_size", "strides", "padding", "dilation_rate", "activation", "use_bias")
_NORMAL = ("epsilon", "center", "scale")

RULES: dict[str, Rule] = {
    "Activation": Rule(("activation",)),
    "AveragePooling2D": Rule(("pool_size", "strides", "padding"), _LAST),
    "BatchNormalization": Rule(("momentum", *_NORMAL), axis=True),
    "Conv2D": Rule((*_WINDOW, "filters", "groups"), _LAST),
    "Dense": Rule(("units", "activation", "use_bias")),
    # Keras keeps what SeparableConv2D inherits from Conv2D's base in some versions.
    "DepthwiseConv2D": Rule((*_WINDOW, "depth_multiplier"), {**_LAST, "groups": (1,)}),
    "Dropout": Rule(("rate",)),
    "Flatten": Rule((), _LAST),
    "GlobalAveragePooling2D": Rule(("keepdims",), _LAST),
    "GlobalMaxPooling2D": Rule(("keepdims",), _LAST),
    "LayerNormalization": Rule(_NORMAL, axis=True),
    "LeakyReLU": Rule(("negative_slope",)),
    "MaxPooling2D": Rule(("pool_size", "strides", "padding"), _LAST),
    "ReLU": Rule(("max_value", "negative_slope", "threshold")),
    "Rescaling": Rule(("scale", "offset")),
    "SeparableConv2D": Rule((*_WINDOW, "filters", "depth_multiplier"), {**_LAST, "groups": (1,)}),
    "SpatialDropout2D": Rule(("rate",), _LAST),
    "ZeroPadding2D": Rule(("padding",), _LAST),
}


def check_axis(node: Node, rank: int) -> None:
    """Check that a layer works over the channels of its input, which has ``rank`` axes.

    Raises :class:`ArchitectureError` that names the layer.
    """
    rule = RULES.get(node.type)
    axis = node.config.get("axis", -1)
    if isinstance(axis, list) and len(axis) == 1:
        axis = axis[0]
    if (node.type == "Softmax" or (rule is not None and rule.axis)) and axis not in (-1, rank):
        raise node.refusal(f"axis is {shown(axis)}", expected=f"-1, the channels, or {rank}")
