"""Perceptual hashes against SciPy's transform, and what they survive."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from scipy.fft import dctn

from cnnlab.evaluation.audit.hashing import grey_of, hash_images, resampling
from cnnlab.evaluation.audit.neighbours import hamming


def _pictures(count: int, side: int = 32, channels: int = 3) -> np.ndarray:
    """Smooth random pictures with some noise."""
    generator = np.random.default_rng(5)
    small = generator.integers(0, 256, (count, 6, 6, channels), dtype=np.uint8)
    images = [
        np.asarray(Image.fromarray(one.squeeze()).resize((side, side), 3)).reshape(side, side, -1)
        for one in small
    ]
    return np.stack(images).astype(np.uint8)


def test_bits_are_those_of_scipys_transform():
    images = _pictures(20)
    hashes = hash_images(images, np.arange(20))
    for row in range(20):
        found = dctn(grey_of(images[row : row + 1])[0].astype(np.float64), norm="ortho")
        found = found[1:9, 1:9]
        bits = np.unpackbits(hashes.plain[row : row + 1].view(np.uint8)).reshape(8, 8)
        clear = np.abs(found - np.median(found)) > 1e-2  # rounding decides the others
        assert clear.sum() > 55
        assert (bits == (found > np.median(found)))[clear].all()


def test_a_mirror_image_has_the_mirrored_hash():
    images = _pictures(30)
    plain = hash_images(images, np.arange(30))
    turned = hash_images(np.ascontiguousarray(images[:, :, ::-1]), np.arange(30))
    assert hamming(plain.mirrored, turned.plain).max() <= 2  # coefficients at the median
    assert hamming(plain.plain, turned.plain).mean() > 20


@pytest.mark.parametrize("side", [32, 64])
def test_an_image_that_is_shifted_back_has_its_hash(side):
    images = _pictures(30, side)
    step = side // 16
    plain = hash_images(images, np.arange(30)).plain
    moved = hash_images(np.roll(images, (step, -step), axis=(1, 2)), np.arange(30))
    closest = np.min([hamming(plain, one) for one in moved.shifted], axis=0)
    assert np.median(closest) <= 8
    assert np.median(hamming(plain, moved.plain)) > 12
    assert moved.shifted.shape == (8, 30)


def test_brightness_and_size_hardly_matter_and_other_pictures_do():
    images = _pictures(30)
    hashes = hash_images(images, np.arange(30)).plain
    darker = (images * 0.6 + 20).astype(np.uint8)
    assert hamming(hashes, hash_images(darker, np.arange(30)).plain).max() <= 4
    larger = np.stack([np.asarray(Image.fromarray(one).resize((80, 80), 2)) for one in images])
    assert hamming(hashes, hash_images(larger, np.arange(30)).plain).max() <= 8
    assert hamming(hashes[1:], hashes[:-1]).min() > 10


def test_flat_images_are_told_and_alpha_lies_over_white():
    flat = np.full((2, 9, 7, 1), 40, np.uint8)
    flat[1, 2, 3] = 90
    assert hash_images(flat, np.arange(2)).flat.tolist() == [True, False]
    clear = np.zeros((1, 4, 4, 4), np.uint8)
    assert (grey_of(clear) == 255).all()


def test_resampling_averages_by_area():
    assert (resampling(4, 2) == [[0.5, 0.5, 0, 0], [0, 0, 0.5, 0.5]]).all()
    assert np.allclose(resampling(3, 2), [[2 / 3, 1 / 3, 0], [0, 1 / 3, 2 / 3]])
    assert np.allclose(resampling(5, 32).sum(axis=1), 1)
