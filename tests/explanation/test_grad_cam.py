"""Grad-CAM against sums done by hand, on planted objects, and with weights made random."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from small_bundles import (
    bundle_of_architecture,
    bundle_of_layers,
    planted_images,
    random_images,
)

from cnnlab.bundle import Bundle
from cnnlab.errors import InputError, UnknownNameError
from cnnlab.explanation import grad_cam, map_layer
from cnnlab.models import MODELS, Architecture, load_architecture

CONV = {"type": "Conv2D", "filters": 4, "kernel_size": 3, "activation": "relu"}
POOLED = [CONV, {"type": "GlobalAveragePooling2D"}, {"type": "Dense", "units": "classes"}]
FLAT = [CONV, {"type": "Flatten"}, {"type": "Dense", "units": "classes"}]
STRIDED = [{**CONV, "strides": 2, "padding": "same"}, *FLAT[1:]]


def _convolved(pixels: np.ndarray, kernel: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """ReLU of a valid convolution in loops: ``[H, W, C]`` with ``[O, C, 3, 3]``."""
    height, width = pixels.shape[0] - 2, pixels.shape[1] - 2
    out = np.zeros((height, width, len(kernel)))
    for row in range(height):
        for column in range(width):
            window = pixels[row : row + 3, column : column + 3].transpose(2, 0, 1)
            out[row, column] = (kernel * window).sum(axis=(1, 2, 3)) + bias
    return np.maximum(out, 0)


def _put_back(small: np.ndarray, height: int, width: int) -> np.ndarray:
    """A valid 3x3 convolution looks at the pixel one further; the border goes on."""
    rows = np.clip(np.arange(height) - 1, 0, len(small) - 1)
    columns = np.clip(np.arange(width) - 1, 0, small.shape[1] - 1)
    return small[np.ix_(rows, columns)]


@pytest.mark.parametrize("layers", [POOLED, FLAT], ids=["pooled", "flat"])
@pytest.mark.parametrize("mirror", [False, True])
def test_it_is_the_papers_sum_done_by_hand(layers: list[dict[str, object]], mirror: bool) -> None:
    bundle = bundle_of_layers(layers, mirror=mirror)
    network = bundle.network
    kernel = network.conv2d.weight.detach().numpy().astype(np.float64)
    bias = network.conv2d.bias.detach().numpy()
    dense = network.dense.weight.detach().numpy().astype(np.float64)
    seen = 0
    for image in random_images(4, bundle.input_shape):
        for label in range(3):
            expected = []
            for view in [image, image[:, ::-1]] if mirror else [image]:
                maps = _convolved((view / 255 - 0.4) / 0.25, kernel, bias)
                pixels = maps.shape[0] * maps.shape[1]
                if layers is POOLED:  # the slope of a mean is one over the number of pixels
                    weights = dense[label] / pixels
                else:  # Flatten puts channels last: the slope at a pixel is its weight
                    weights = dense[label].reshape(maps.shape).mean(axis=(0, 1))
                heat = _put_back(np.maximum((maps * weights).sum(axis=2), 0), *image.shape[:2])
                expected.append(heat if view is image else heat[:, ::-1])
            found = grad_cam(bundle, image, label)
            assert (found.shape, found.dtype) == (image.shape[:2], np.float32)
            np.testing.assert_allclose(found, np.mean(expected, axis=0), atol=1e-5)
            seen += found.max() > 0
    assert seen > 4, "maps of zeros would show nothing"


def test_mirrored_images_have_mirrored_maps_where_logits_are_of_both() -> None:
    bundle = bundle_of_layers(STRIDED, shape=(8, 8, 3), mirror=True)
    (image,) = random_images(1, bundle.input_shape)
    flipped = np.ascontiguousarray(image[:, ::-1])
    for label in range(3):
        one, two = grad_cam(bundle, image, label), grad_cam(bundle, flipped, label)
        np.testing.assert_allclose(one, two[:, ::-1], atol=1e-6)


def _zoo() -> list[Architecture]:
    """Every named model, as narrow as it can be made."""
    narrow = {
        "convnet": {"widths": [8, 16], "dense": 16},
        "fastnet": {"widths": [8, 16, 16]},
        "resnet18": {"width": 4},
    }
    return [load_architecture(name, params=narrow.get(name)) for name in MODELS]


@pytest.mark.parametrize("architecture", _zoo(), ids=lambda each: each.name)
def test_every_model_has_a_map(architecture: Architecture) -> None:
    step = map_layer(architecture)
    assert step.output_shape[0] * step.output_shape[1] > 1
    bundle = bundle_of_architecture(architecture)
    (image,) = random_images(1, bundle.input_shape)
    weights = {name: value.clone() for name, value in bundle.network.state_dict().items()}
    maps = [grad_cam(bundle, image, label) for label in range(3)]
    for heat in maps:
        assert heat.shape == image.shape[:2]
        assert np.isfinite(heat).all()
        assert heat.min() >= 0
    assert max(heat.max() for heat in maps) > 0
    assert not np.array_equal(maps[0], maps[1])
    for name, value in bundle.network.state_dict().items():
        assert torch.equal(value, weights[name])
    assert all(parameter.grad is None for parameter in bundle.network.parameters())


def test_it_works_inside_inference_mode(planted: Bundle) -> None:
    (image,), _, _ = planted_images(1, seed=3)
    with torch.inference_mode():
        inside = grad_cam(planted, image, 0)
    np.testing.assert_array_equal(inside, grad_cam(planted, image, 0))


def test_what_cannot_be_asked(planted: Bundle) -> None:
    (image,), _, _ = planted_images(1, seed=3)
    with pytest.raises(InputError, match=r"class 3; expected 0 to 2"):
        grad_cam(planted, image, 3)
    with pytest.raises(InputError, match=r"uint8 \[8, 8, 3\]; expected uint8 \[16, 16, 3\]"):
        grad_cam(planted, image[:8, :8], 0)
    with pytest.raises(InputError, match="float64"):
        grad_cam(planted, image / 255, 0)
    with pytest.raises(UnknownNameError, match=r"did you mean 'conv2d"):
        grad_cam(planted, image, 0, layer="conv2")
    with pytest.raises(InputError, match="'dense' gives 3 numbers, not a map"):
        grad_cam(planted, image, 0, layer="dense")
