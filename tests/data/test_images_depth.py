"""Pixels of 1, 16 and 32 bits, and of floating-point numbers."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from class_folders import encoded
from PIL import Image

from cnnlab.data.images import decode_image, probe_image
from cnnlab.errors import DataError


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_16_bit_grey_is_scaled_to_8_bits(kind: str) -> None:
    values = np.array([[0, 257], [200, 65535]], dtype=np.uint16)  # 200 is nearer to 257
    data = encoded(Image.fromarray(values), kind)
    np.testing.assert_array_equal(
        decode_image(data, "x", size=2, channels=1)[..., 0], [[0, 1], [1, 255]]
    )
    assert probe_image(data, "x").is_grey


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_transparency_of_16_bit_grey_is_laid_over_white(channels: int) -> None:
    """One value of 65,536 is transparent; its neighbours, of the same grey in 8 bits, are not."""
    values = np.arange(60 * 257, 60 * 257 + 64 * 60, 60, dtype=np.uint16).reshape(8, 8)
    values[3] = [5000, 4999, 5001, 5000, 0, 65535, 5000, 1]
    decoded = decode_image(
        encoded(Image.fromarray(values), transparency=5000), "x", size=8, channels=channels
    )
    grey, clear = np.rint(values / 257), values == 5000
    alpha = np.where(clear, 0, 255)
    expected = np.where(clear, 255, grey) if channels < 4 else grey
    for channel in range(min(channels, 3)):
        np.testing.assert_array_equal(decoded[..., channel], expected)
    if channels == 4:
        np.testing.assert_array_equal(decoded[..., 3], alpha)


def test_16_bit_pgm_is_scaled_to_8_bits() -> None:
    data = b"P5 2 2 65535\n" + struct.pack(">4H", 0, 257, 128 * 257, 65535)
    np.testing.assert_array_equal(
        decode_image(data, "x", size=2, channels=1)[..., 0], [[0, 1], [128, 255]]
    )


def test_one_bit_images_are_black_and_white() -> None:
    bits = np.array([[True, False], [False, True]])
    decoded = decode_image(encoded(Image.fromarray(bits)), "x", size=2, channels=1)
    np.testing.assert_array_equal(decoded[..., 0], np.where(bits, 255, 0))


def test_floating_point_pixels_are_refused() -> None:
    data = encoded(Image.fromarray(np.ones((2, 2), dtype=np.float32)), "TIFF")
    with pytest.raises(DataError, match="floating-point"):
        decode_image(data, "x", size=2, channels=1)


def test_32_bit_grey_beyond_16_bits_is_refused() -> None:
    data = encoded(Image.fromarray(np.full((2, 2), 70_000, dtype=np.int32)), "TIFF")
    with pytest.raises(DataError, match="70000"):
        decode_image(data, "x", size=2, channels=1)
