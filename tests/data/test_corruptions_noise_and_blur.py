"""Noise and blur, each against a second way to compute it."""

from __future__ import annotations

import numpy as np
import pytest
from corruption_scenes import grey, levels, rows, scenes
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage, stats

from cnnlab.data.corruptions import (
    SEVERITIES,
    blur,
    corrupt,
    noise,
)
from cnnlab.data.corruptions.batch import Batch, Draws
from cnnlab.data.corruptions.warping import mean_zoom, smeared

# Noise


@pytest.mark.parametrize("severity", SEVERITIES)
def test_gaussian_noise_has_its_deviation_and_shape(severity):
    images = grey(128)
    found = corrupt(images, "gaussian-noise", severity, rows(64)).astype(float) - 128
    sigma = 255 * noise.DEVIATIONS[severity - 1]
    # Rounding adds a twelfth of a level squared.
    assert found.std() == pytest.approx(np.sqrt(sigma**2 + 1 / 12), rel=0.01)
    assert abs(found.mean()) < 4 * sigma / np.sqrt(found.size)


def test_normal_numbers_are_normal_and_independent():
    drawn = Draws((1, 2), rows(200)).normal(0, 501)
    assert stats.kstest(drawn[:, :500].ravel(), "norm").pvalue > 1e-3
    assert abs(np.corrcoef(drawn[:, 0], drawn[:, 251])[0, 1]) < 0.25
    assert abs(np.corrcoef(drawn[:, :-1].ravel(), drawn[:, 1:].ravel())[0, 1]) < 0.02


@pytest.mark.parametrize("severity", [1, 3, 5])
@pytest.mark.parametrize("level", [3, 60, 128])
def test_shot_noise_counts_photons_as_poisson_says(severity, level):
    photons = noise.PHOTONS[severity - 1]
    batch = Batch(grey(level), Draws((5, severity), rows(64)))
    counts = np.rint(noise.shot_noise(batch, severity) * photons).astype(int).ravel()
    poisson = stats.poisson(level / 255 * photons)
    low, high = (int(poisson.ppf(q)) for q in (0.05, 0.95))
    expected = np.array(
        [poisson.cdf(low), *poisson.pmf(range(low + 1, high)), poisson.sf(high - 1)]
    )
    seen = np.bincount(np.clip(counts, low, high), minlength=high + 1)[low:]
    assert stats.chisquare(seen, expected / expected.sum() * counts.size).pvalue > 1e-3


def test_shot_noise_is_the_inverse_of_the_distribution_function():
    batch = Batch(scenes(2), Draws((5, 2), rows(2)))
    drawn = batch.draws.uniform(0, 3072, 0, 1).reshape(batch.images.shape)
    counts = stats.poisson.ppf(drawn, batch.images.astype(np.float64) * 250 / 255)
    np.testing.assert_array_equal(np.rint(noise.shot_noise(batch, 2) * 250), counts)


@pytest.mark.parametrize("severity", SEVERITIES)
def test_impulse_noise_loses_its_share_to_black_and_white_evenly(severity):
    found = corrupt(grey(128), "impulse-noise", severity, rows(64))
    share = noise.LOST[severity - 1]
    for level in (0, 255):
        assert (found == level).mean() == pytest.approx(
            share / 2, abs=5 * np.sqrt(share / 2 / found.size)
        )
    assert (found == 128).mean() == pytest.approx(1 - share, rel=0.01)


# Blur


@pytest.mark.parametrize("scale", [1, 1.5, 7])
@pytest.mark.parametrize(("radius", "softness"), blur.DISKS)
def test_disks_sum_to_one_and_have_the_square_s_symmetries(radius, softness, scale):
    kernel = blur.disk(radius * scale, softness * scale)
    assert kernel.sum() == pytest.approx(1)
    for turned in (kernel.T, kernel[::-1], kernel[:, ::-1]):
        np.testing.assert_allclose(kernel, turned, atol=1e-12)


def test_the_largest_disk_is_nine_pixels_and_the_next_is_a_cross():
    np.testing.assert_allclose(blur.disk(1.5, 0.1)[1:-1, 1:-1], np.full((3, 3), 1 / 9), atol=1e-6)
    cross = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]]) / 5
    np.testing.assert_allclose(blur.disk(1.0, 0.2)[1:-1, 1:-1], cross, atol=1e-5)


def test_defocus_is_the_mean_of_nine_pixels_at_severity_5():
    images = scenes(3)
    mean = ndimage.uniform_filter(images.astype(float), (0, 3, 3, 0), mode="mirror")
    found = corrupt(images, "defocus-blur", 5, rows(3))
    np.testing.assert_allclose(found, mean, atol=0.51)


@pytest.mark.parametrize("severity", [1, 4])
def test_behind_the_glass_pixels_come_from_their_neighbours(severity):
    # Sigma is too small to soften at severity 1; each value codes its own place.
    places = np.stack(np.meshgrid(np.arange(32), np.arange(32), [0]), axis=-1)[:, :, 0]
    images = (places * 8).astype(np.uint8)[None]
    batch = Batch(images, Draws((9, severity), rows(1)))
    found = blur._jostled(batch, batch.levels, 1, 0)[0] * 255 / 8
    steps = np.rint(found - places).astype(int)[..., :2]
    assert set(np.unique(steps)) == {-1, 0}
    assert not steps[:2].any()
    assert not steps[:, :2].any()
    assert abs(steps[2:, 2:].mean() + 0.5) < 0.05


def test_a_level_streak_is_half_a_normal_curve():
    images = scenes(2)
    found = smeared(levels(images), 6, 1.5, np.zeros(2))
    weights = np.exp(-(np.arange(13) ** 2) / 4.5)
    padded = np.pad(levels(images), ((0, 0), (0, 0), (0, 12), (0, 0)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 13, axis=2)
    np.testing.assert_allclose(found, windows @ (weights / weights.sum()), atol=1e-5)


def test_streaks_go_each_their_own_way():
    angles = np.array([0.3, -0.7, 2.0, 0.3])
    images = levels(scenes(4))
    together = smeared(images, 8, 2, angles)
    for image, angle, found in zip(images, angles, together, strict=True):
        # Pixel by pixel, from the definition.
        weights = np.exp(-(np.arange(17) ** 2) / 8)
        total = np.zeros((32, 32, 3))
        for i, weight in enumerate(weights / weights.sum()):
            down = np.clip(np.arange(32) + round(i * np.sin(angle)), 0, 31)
            right = np.clip(np.arange(32) + round(i * np.cos(angle)), 0, 31)
            total += weight * image[down][:, right]
        np.testing.assert_allclose(found, total, atol=1e-4)


@pytest.mark.parametrize("severity", SEVERITIES)
def test_zooms_are_the_mean_of_scipy_s(severity):
    image = scenes(1)[0].astype(np.float64)
    factors = blur.zoom_factors(severity)
    total = np.zeros_like(image)
    for factor in factors:
        crop = int(np.ceil(32 / factor))
        first = (32 - crop) // 2
        part = image[first : first + crop, first : first + crop]
        large = ndimage.zoom(part, (factor, factor, 1), order=1)
        cut = (len(large) - 32) // 2
        total += large[cut : cut + 32, cut : cut + 32]
    found = corrupt(image[None].astype(np.uint8), "zoom-blur", severity, rows(1))[0]
    np.testing.assert_allclose(found, total / len(factors), atol=0.51)


@given(st.integers(1, 70), st.integers(1, 70), st.floats(1, 4))
@settings(max_examples=30)
def test_every_pixel_of_a_zoom_is_a_mean_of_pixels(height, width, factor):
    pixels = mean_zoom(height, width, [1.0, factor])
    np.testing.assert_allclose(pixels.sum(axis=1), 1, atol=1e-5)
    assert pixels.min() >= 0
