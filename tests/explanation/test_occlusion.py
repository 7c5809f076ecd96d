"""Occlusion against a plain loop, and on planted objects."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_bundles import CORNERS, PATCH, bundle_of_layers, planted_images, random_images

from cnnlab.bundle import Bundle
from cnnlab.errors import InputError
from cnnlab.explanation import important_region, occlusion
from cnnlab.explanation.occlusion import window_for

LAYERS = [
    {"type": "Conv2D", "filters": 4, "kernel_size": 3, "activation": "relu"},
    {"type": "Flatten"},
    {"type": "Dense", "units": "classes"},
]


def _by_hand(
    bundle: Bundle, image: np.ndarray, label: int, patch: int, stride: int, unit: str
) -> np.ndarray:
    """One image at a time; the mean drop over the squares that cover a pixel."""

    def score(pixels: np.ndarray) -> float:
        logits = bundle.logits(pixels[None])[0].astype(float)
        if unit == "logit":
            return float(logits[label])
        warm = np.exp(logits / bundle.temperature - (logits / bundle.temperature).max())
        return float(warm[label] / warm.sum())

    height, width = image.shape[:2]
    colour = np.rint(image.reshape(-1, image.shape[2]).mean(axis=0))
    drops: dict[tuple[int, int], list[float]] = {}
    tops = sorted({*range(0, height - patch + 1, stride), height - patch})
    lefts = sorted({*range(0, width - patch + 1, stride), width - patch})
    for top in tops:
        for left in lefts:
            hidden = image.copy()
            hidden[top : top + patch, left : left + patch] = colour
            drop = score(image) - score(hidden)
            for row in range(top, top + patch):
                for column in range(left, left + patch):
                    drops.setdefault((row, column), []).append(drop)
    result = np.zeros((height, width))
    for place, values in drops.items():
        result[place] = np.mean(values)
    return result


@pytest.mark.parametrize("unit", ["probability", "logit"])
@pytest.mark.parametrize(("patch", "stride"), [(2, 1), (3, 2), (3, 3), (1, 1), (5, 4)])
def test_it_is_a_plain_loop(unit: str, patch: int, stride: int) -> None:
    bundle = bundle_of_layers(LAYERS, shape=(7, 6, 3), temperature=1.7)
    for image in random_images(2, bundle.input_shape):
        found = occlusion(bundle, image, 1, patch=patch, stride=stride, unit=unit)
        assert found.dtype == np.float32
        expected = _by_hand(bundle, image, 1, patch, stride, unit)
        np.testing.assert_allclose(found, expected, atol=2e-6)
        assert np.abs(expected).max() > 1e-3


def test_many_squares_are_more_than_one_block() -> None:
    bundle = bundle_of_layers(LAYERS, shape=(20, 20, 3), temperature=1.0)
    (image,) = random_images(1, bundle.input_shape)
    found = occlusion(bundle, image, 0, patch=2, stride=1)  # 361 squares
    np.testing.assert_allclose(found, _by_hand(bundle, image, 0, 2, 1, "probability"), atol=2e-6)


def test_hiding_the_planted_patch_costs_the_class(planted: Bundle) -> None:
    images, labels, corners = planted_images(12, seed=21)
    for image, label, corner in zip(images, labels, corners, strict=True):
        heat = occlusion(planted, image, label)
        row, column = CORNERS[corner]
        top, left = np.unravel_index(heat.argmax(), heat.shape)
        assert row <= top < row + PATCH
        assert column <= left < column + PATCH
        assert heat.max() > 0.2
        box = important_region(heat)
        assert box is not None
        assert box.left <= column + PATCH / 2 <= box.right
        assert box.top <= row + PATCH / 2 <= box.bottom


def test_an_image_of_one_colour_hides_nothing(planted: Bundle) -> None:
    image = np.full((16, 16, 3), 90, dtype=np.uint8)
    heat = occlusion(planted, image, 0)
    np.testing.assert_allclose(heat, 0, atol=1e-6)


@given(st.integers(1, 300), st.integers(1, 300))
def test_every_window_that_is_chosen_can_be_used(height: int, width: int) -> None:
    window = window_for(height, width, None, None)
    assert 1 <= window.stride <= window.patch <= min(height, width)


def test_windows_of_usual_sizes_are_few_hundred() -> None:
    for side in (28, 32, 64, 224):
        window = window_for(side, side, None, None)
        assert 100 < ((side - window.patch) / window.stride + 1) ** 2 < 250


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"patch": 17}, "patch: 17; expected 1 to 16 pixels"),
        ({"patch": 0}, "patch: 0"),
        ({"patch": 4, "stride": 5}, "stride: 5; expected 1 to 4 pixels"),
        ({"unit": "percent"}, "unit: 'percent'; expected probability or logit"),
    ],
)
def test_what_cannot_be_asked(planted: Bundle, asked: dict[str, object], said: str) -> None:
    (image,), _, _ = planted_images(1, seed=3)
    with pytest.raises(InputError, match=said):
        occlusion(planted, image, 0, **asked)
