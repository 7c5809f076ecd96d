"""Where a class is seen: Grad-CAM."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from cnnlab.bundle import Bundle
from cnnlab.explanation.class_activation import class_activation
from cnnlab.explanation.layers import map_layer

__all__ = ["grad_cam"]


def grad_cam(
    bundle: Bundle, image: NDArray[np.uint8], class_index: int, *, layer: str | None = None
) -> NDArray[np.float32]:
    """Where the network sees evidence for a class.

    Source: Selvaraju et al., "Grad-CAM: visual explanations from deep networks via gradient-based
    localization", ICCV 2017, equations 1 and 2. The channels of a layer's map are added up, each
    weighted with the mean slope of the class's logit over that channel; what is below zero speaks
    for other classes and becomes zero.

    Parameters
    ----------
    image, class_index: as :func:`cnnlab.explanation.class_activation.class_activation` takes them.
    layer: the layer whose map it is; the last convolution's, normalised and activated, where None
        (:func:`cnnlab.explanation.layers.map_layer`).

    Returns
    -------
    float32 ``[H, W]``, at least 0, in units of the logit; all 0 where nothing speaks for the class.

    Raises :class:`InputError` for another image shape, no such class or a layer without a map.
    """
    name = map_layer(bundle.architecture, layer).name
    return class_activation(bundle, image, class_index, layer=name, weigh=_mean_slope)


def _mean_slope(slopes: Tensor) -> Tensor:
    return slopes.mean(dim=(2, 3), keepdim=True)
