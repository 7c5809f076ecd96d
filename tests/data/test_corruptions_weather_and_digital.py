"""Weather and digital corruptions, each against a second way to compute it."""

from __future__ import annotations

import colorsys
import io

import numpy as np
import pytest
from corruption_scenes import grey, levels, rows, scenes
from PIL import Image
from scipy import ndimage

from cnnlab.data.corruptions import (
    SEVERITIES,
    corrupt,
    digital,
    weather,
)
from cnnlab.data.corruptions.batch import Batch, Draws
from cnnlab.data.corruptions.warping import sampled

# Weather


def test_brightness_raises_the_value_of_hsv():
    images = scenes(1).copy()
    images[0, 0, 0] = 0
    for severity in SEVERITIES:
        found = corrupt(images, "brightness", severity, rows(1))[0].reshape(-1, 3)
        for before, after in zip(images[0].reshape(-1, 3)[::7], found[::7], strict=True):
            hue, saturation, value = colorsys.rgb_to_hsv(*(before / 255))
            value = min(1.0, value + weather.BRIGHTER[severity - 1])
            wanted = np.array(colorsys.hsv_to_rgb(hue, saturation, value)) * 255
            np.testing.assert_allclose(after, wanted, atol=0.51)


def test_fog_keeps_the_brightest_value_at_most_and_greys_the_rest():
    images = scenes(30)
    for severity in SEVERITIES:
        found = corrupt(images, "fog", severity, rows(30))
        assert (found.max(axis=(1, 2, 3)) <= images.max(axis=(1, 2, 3))).all()
    assert found.std() < 0.8 * images.std()


def test_a_cloud_fills_its_range_and_its_borders_fit_together():
    cloud = weather.plasma(Batch(grey(0, 50), Draws((3, 1), rows(50))), 32, 3.0)
    assert cloud.shape == (50, 32, 32)
    assert (cloud.min(axis=(1, 2)) == 0).all()
    assert (cloud.max(axis=(1, 2)) == 1).all()
    seam = np.abs(cloud[:, :, 0] - cloud[:, :, -1]).mean()
    inside = np.abs(np.diff(cloud, axis=2)).mean()
    assert seam < 1.5 * inside


def test_snow_whitens_and_falls_the_same_upside_down():
    images = grey(0, 20)
    found = corrupt(images, "snow", 3, rows(20)).astype(int)
    # A black image whitens to (1 - 0.9) / 2; what is more is flakes.
    ground = round(255 * 0.05)
    assert found.min() == ground
    np.testing.assert_array_equal(found, found[:, ::-1, ::-1])
    assert (found > 2 * ground).mean() > 0.2


@pytest.mark.parametrize("severity", SEVERITIES)
def test_frost_adds_a_pale_cold_colour(severity):
    of_image, of_frost = weather.FROSTS[severity - 1]
    found = corrupt(grey(60, 200), "frost", severity, rows(200)).astype(float)
    added = (found.mean(axis=(0, 1, 2)) - of_image * 60) / of_frost
    assert added[0] < added[1] < added[2]
    assert 120 < added.mean() < 210
    assert found.std(axis=(1, 2)).mean() / of_frost > 10


# Digital


@pytest.mark.parametrize("severity", SEVERITIES)
def test_contrast_is_a_share_of_the_distance_from_the_channel_s_mean(severity):
    images = scenes(3)
    means = images.mean(axis=(1, 2), keepdims=True)
    share = (0.75, 0.5, 0.4, 0.3, 0.15)[severity - 1]
    found = corrupt(images, "contrast", severity, rows(3))
    np.testing.assert_allclose(found, means + share * (images - means), atol=0.501)


@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_is_pillow_s(severity, channels):
    images = scenes(2, channels=channels)
    found = corrupt(images, "jpeg", severity, rows(2))
    for image, made in zip(images, found, strict=True):
        file = io.BytesIO()
        Image.fromarray(image.squeeze()).save(
            file, "JPEG", quality=(80, 65, 58, 50, 40)[severity - 1]
        )
        np.testing.assert_array_equal(made.squeeze(), np.asarray(Image.open(file)))


def test_pixelate_at_a_half_would_be_the_mean_of_four(monkeypatch):
    monkeypatch.setattr(digital, "PIXELS", (0.5,))
    images = scenes(2)
    fours = images.reshape(2, 16, 2, 16, 2, 3).mean(axis=(2, 4))
    found = corrupt(images, "pixelate", 1, rows(2))
    np.testing.assert_allclose(found[:, ::2, ::2], fours, atol=1.01)
    np.testing.assert_array_equal(found[:, ::2, ::2], found[:, 1::2, 1::2])


def test_pixelate_keeps_so_many_pixels():
    ramp = np.broadcast_to(np.arange(32, dtype=np.uint8)[:, None, None] * 8, (1, 32, 32, 1)).copy()
    kept = [len(np.unique(corrupt(ramp, "pixelate", s, rows(1)))) for s in SEVERITIES]
    assert kept[-1] < 32
    assert np.all(np.diff(kept) <= 1)


@pytest.mark.parametrize(("repeat_edge", "mode"), [(True, "reflect"), (False, "mirror")])
def test_sampling_is_scipy_s(repeat_edge, mode):
    rng = np.random.default_rng(0)
    images = levels(scenes(2, 9, 14))
    places = rng.uniform(-20, 40, size=(2, 2, 9, 14))
    found = sampled(images, places[:, 0], places[:, 1], repeat_edge=repeat_edge)
    for image, where, made in zip(images, places, found, strict=True):
        for channel in range(3):
            wanted = ndimage.map_coordinates(image[..., channel], where, order=1, mode=mode)
            np.testing.assert_allclose(made[..., channel], wanted, atol=1e-4)


def test_the_sheet_is_pulled_by_three_corners():
    batch = Batch(grey(0, 5), Draws((4, 1), rows(5)))
    to_row, to_column = digital._pulled(batch, 2.56)
    moved = np.array([[26, 26], [26, 6], [6, 6]]) + batch.draws.uniform(0, 6, -2.56, 2.56).reshape(
        5, 3, 2
    )
    for number in range(5):
        for axis, places in enumerate((to_row, to_column)):
            # An affine map, so that interpolating it between pixels is exact.
            back = ndimage.map_coordinates(places[number], moved[number].T, order=1)
            np.testing.assert_allclose(back, [[26, 26, 6], [26, 6, 6]][axis], atol=1e-9)
