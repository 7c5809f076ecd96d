"""Layer-CAM against sums done by hand, beside Grad-CAM where the two must agree or part."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from small_bundles import (
    bundle_of_layers,
    planted_images,
    random_images,
)

from cnnlab.bundle import Bundle
from cnnlab.errors import InputError, UnknownNameError
from cnnlab.explanation import grad_cam, layer_cam

#: One step of a window of one pixel: a map lies on the image pixel by pixel.
POINT = {"type": "Conv2D", "filters": 4, "kernel_size": 1, "activation": "relu"}
DENSE = {"type": "Dense", "units": "classes"}
FLAT = [POINT, {"type": "Flatten"}, DENSE]
LARGEST = [POINT, {"type": "GlobalMaxPooling2D"}, DENSE]


def _maps(bundle: Bundle, image: np.ndarray) -> np.ndarray:
    """ReLU of the 1x1 convolution, in NumPy: ``[H, W, 4]``."""
    weight = bundle.network.conv2d.weight.detach().numpy()[:, :, 0, 0].astype(np.float64)
    bias = bundle.network.conv2d.bias.detach().numpy()
    return np.maximum((image / 255 - 0.4) / 0.25 @ weight.T + bias, 0)


@pytest.mark.parametrize("mirror", [False, True])
def test_each_place_has_its_own_weight(mirror: bool) -> None:
    bundle = bundle_of_layers(FLAT, mirror=mirror)
    dense = bundle.network.dense.weight.detach().numpy().astype(np.float64)
    seen = 0
    for image in random_images(4, bundle.input_shape):
        for label in range(3):
            expected = []
            for view in [image, image[:, ::-1]] if mirror else [image]:
                maps = _maps(bundle, view)
                slopes = dense[label].reshape(maps.shape)  # Flatten puts channels last
                heat = (np.maximum(slopes, 0) * maps).sum(axis=2)
                expected.append(heat if view is image else heat[:, ::-1])
            found = layer_cam(bundle, image, label)
            assert (found.shape, found.dtype) == (image.shape[:2], np.float32)
            np.testing.assert_allclose(found, np.mean(expected, axis=0), atol=1e-5)
            seen += found.max() > 0
    assert seen > 4, "maps of zeros would show nothing"


def test_before_a_maximum_only_the_largest_places_count() -> None:
    bundle = bundle_of_layers(LARGEST, mirror=False)
    dense = bundle.network.dense.weight.detach().numpy().astype(np.float64)
    spread = 0
    for image in random_images(4, bundle.input_shape):
        maps = _maps(bundle, image)
        for label in range(3):
            expected = np.zeros(maps.shape[:2])
            for channel, weight in enumerate(dense[label]):
                top = np.unravel_index(maps[..., channel].argmax(), expected.shape)
                expected[top] += max(weight, 0) * maps[top][channel]
            found = layer_cam(bundle, image, label)
            np.testing.assert_allclose(found, expected, atol=1e-5)
            spread += (grad_cam(bundle, image, label) > 0).sum() > (found > 0).sum()
    assert spread > 4, "Grad-CAM lends that weight to the same channel everywhere"


def test_behind_a_mean_it_is_grad_cam_of_the_channels_that_speak_for_the_class() -> None:
    bundle = bundle_of_layers([POINT, {"type": "GlobalAveragePooling2D"}, DENSE], mirror=False)
    with torch.no_grad():
        bundle.network.dense.weight.abs_()
    for image in random_images(3, bundle.input_shape):
        np.testing.assert_allclose(
            layer_cam(bundle, image, 1), grad_cam(bundle, image, 1), atol=1e-6
        )


def test_what_cannot_be_asked(planted: Bundle) -> None:
    (image,), _, _ = planted_images(1, seed=3)
    with pytest.raises(InputError, match=r"class 3; expected 0 to 2"):
        layer_cam(planted, image, 3)
    with pytest.raises(UnknownNameError, match=r"did you mean 'conv2d"):
        layer_cam(planted, image, 0, layer="conv2")
