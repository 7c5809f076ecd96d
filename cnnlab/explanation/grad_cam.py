"""Where a class is seen: Grad-CAM."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from cnnlab.bundle import Bundle
from cnnlab.device import memory_errors
from cnnlab.explanation.alignment import enlarged, grids_at
from cnnlab.explanation.checks import checked_class, checked_image
from cnnlab.explanation.layers import map_layer, parted, through, views_of

__all__ = ["grad_cam"]


def grad_cam(
    bundle: Bundle, image: NDArray[np.uint8], class_index: int, *, layer: str | None = None
) -> NDArray[np.float32]:
    """Where the network sees evidence for a class.

    Source: Selvaraju et al., "Grad-CAM: visual explanations from deep networks via gradient-based
    localization", ICCV 2017, equations 1 and 2. The channels of a layer's map are added up, each
    weighted with the mean slope of the class's logit over that channel; what is below zero speaks
    for other classes and becomes zero. The map, which has the layer's few pixels, is brought to
    the image's size bilinearly, each of its pixels in the middle of what it looks at
    (:func:`cnnlab.explanation.alignment.grids_at`): it is smooth, and says no more than it did.

    Pure: nothing is kept, the network's weights and gradients stay as they are, and calls may
    run side by side. Where logits are the mean over an image and its mirror image, so is the map.

    Parameters
    ----------
    image: uint8 ``[H, W, C]`` of the bundle's input shape, as :meth:`Bundle.read_image` gives it.
    class_index: whose evidence, an index into ``bundle.class_names``.
    layer: the layer whose map it is; the last convolution's, normalised and activated, where None
        (:func:`cnnlab.explanation.layers.map_layer`).

    Returns
    -------
    float32 ``[H, W]``, at least 0, in units of the logit; all 0 where nothing speaks for the class.

    Raises :class:`InputError` for another image shape, no such class or a layer without a map.
    """
    checked_image(bundle, image)
    checked_class(bundle, class_index)
    name = map_layer(bundle.architecture, layer).name
    before, behind = parted(bundle.network, name)
    mirror = bundle.preprocessing.mirror
    # Whoever calls may be in inference mode, in which nothing has a slope.
    with torch.inference_mode(mode=False), memory_errors("Grad-CAM"):
        pixels = torch.from_numpy(np.array(image[None])).to(bundle.device)
        with torch.no_grad():
            views = views_of(bundle.preprocessing.apply(pixels), mirror=mirror)
            maps = through(before, views)
        with torch.enable_grad():
            maps = maps.detach().requires_grad_()
            logits = through(behind, maps)[:, class_index]
            (slopes,) = torch.autograd.grad(logits.sum(), maps)
        weights = slopes.mean(dim=(2, 3), keepdim=True)
        heat = (weights * maps.detach()).sum(dim=1).relu().float().cpu().numpy()
    grids = grids_at(bundle.architecture.steps, name)
    stretched = [enlarged(each, grids, image.shape[0], image.shape[1]) for each in heat]
    upright = [each[:, ::-1] if number else each for number, each in enumerate(stretched)]
    values: NDArray[np.float32] = np.mean(upright, axis=0).astype(np.float32)
    return values
