"""A layer's map, each value weighed by what a class's logit owes to it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cnnlab.bundle import Bundle
from cnnlab.device import memory_errors
from cnnlab.explanation.alignment import enlarged, grids_at
from cnnlab.explanation.checks import checked_class, checked_image
from cnnlab.explanation.layers import parted, through, views_of

__all__ = ["Weigh", "class_activation"]

#: From slopes of the logit ``[V, C, h, w]`` to weights of the same shape, or of one that spreads.
Weigh = Callable[[Tensor], Tensor]


def class_activation(
    bundle: Bundle, image: NDArray[np.uint8], class_index: int, *, layer: str, weigh: Weigh
) -> NDArray[np.float32]:
    """Add up a layer's weighed channels, and bring what is above zero to the image's size.

    The map, which has the layer's few pixels, is stretched bilinearly, each of its pixels in the
    middle of what it looks at (:func:`cnnlab.explanation.alignment.grids_at`): it is smooth, and
    says no more than it did.

    Pure: nothing is kept, the network's weights and gradients stay as they are, and calls may
    run side by side. Where logits are the mean over an image and its mirror image, so is the map.

    Parameters
    ----------
    image: uint8 ``[H, W, C]`` of the bundle's input shape, as :meth:`Bundle.read_image` gives it.
    class_index: whose evidence, an index into ``bundle.class_names``.

    Returns
    -------
    float32 ``[H, W]``, at least 0; all 0 where nothing speaks for the class.

    Raises :class:`InputError` for another image shape or no such class.
    """
    checked_image(bundle, image)
    checked_class(bundle, class_index)
    before, behind = parted(bundle.network, layer)
    mirror = bundle.preprocessing.mirror
    # Whoever calls may be in inference mode, in which nothing has a slope.
    with torch.inference_mode(mode=False), memory_errors("a class's map"):
        pixels = torch.from_numpy(np.array(image[None])).to(bundle.device)
        with torch.no_grad():
            views = views_of(bundle.preprocessing.apply(pixels), mirror=mirror)
            maps = through(before, views)
        with torch.enable_grad():
            maps = maps.detach().requires_grad_()
            logits = through(behind, maps)[:, class_index]
            (slopes,) = torch.autograd.grad(logits.sum(), maps)
        heat = (weigh(slopes) * maps.detach()).sum(dim=1).relu().float().cpu().numpy()
    grids = grids_at(bundle.architecture.steps, layer)
    stretched = [enlarged(each, grids, image.shape[0], image.shape[1]) for each in heat]
    upright = [each[:, ::-1] if number else each for number, each in enumerate(stretched)]
    values: NDArray[np.float32] = np.mean(upright, axis=0).astype(np.float32)
    return values
