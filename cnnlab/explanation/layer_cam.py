"""Where a class is seen, pixel by pixel of a finer map: Layer-CAM."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from cnnlab.bundle import Bundle
from cnnlab.explanation.class_activation import class_activation
from cnnlab.explanation.layers import fine_map_layer

__all__ = ["layer_cam"]


def layer_cam(
    bundle: Bundle, image: NDArray[np.uint8], class_index: int, *, layer: str | None = None
) -> NDArray[np.float32]:
    """Where the network sees evidence for a class, each place weighed by itself.

    Source: Jiang et al., "LayerCAM: exploring hierarchical class activation maps for
    localization", IEEE Transactions on Image Processing 30, 2021, equations 5 to 7. Grad-CAM
    weighs a channel by its mean slope, so that in a layer far from the logits, or before a
    maximum, a slope at one place lends weight to the same channel everywhere. Here each place has
    its own slope as weight, where that is above zero.

    Parameters
    ----------
    image, class_index: as :func:`cnnlab.explanation.class_activation.class_activation` takes them.
    layer: the layer whose map it is; where None, the last convolution whose map is not too coarse
        (:func:`cnnlab.explanation.layers.fine_map_layer`).

    Returns
    -------
    float32 ``[H, W]``, at least 0, in units of the logit; all 0 where nothing speaks for the class.

    Raises :class:`InputError` for another image shape, no such class or a layer without a map.
    """
    name = fine_map_layer(bundle.architecture, layer).name
    return class_activation(bundle, image, class_index, layer=name, weigh=torch.relu)
