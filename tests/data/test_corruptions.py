"""What holds for every corruption."""

from __future__ import annotations

import numpy as np
import pytest
from corruption_scenes import NAMES, grey, psnr, rows, scenes

from cnnlab.data.corruptions import (
    CORRUPTIONS,
    FAMILIES,
    SEVERITIES,
    chosen_corruptions,
    corrupt,
)
from cnnlab.errors import InputError, UnknownNameError


def test_there_are_the_paper_s_fifteen_in_its_order():
    assert len(NAMES) == len(CORRUPTIONS) == 15
    counts = [sum(e.family == family for e in chosen_corruptions()) for family in FAMILIES]
    assert counts == [3, 4, 4, 4]
    assert NAMES[:3] == ["gaussian-noise", "shot-noise", "impulse-noise"]
    assert NAMES[-1] == "jpeg"


def test_names_and_families_choose():
    chosen = [entry.name for entry in chosen_corruptions(["fog", "noise", "fog"])]
    assert chosen == [*NAMES[:3], "fog"]
    with pytest.raises(UnknownNameError, match="did you mean 'gaussian-noise'"):
        chosen_corruptions(["gaussian_noise"])
    with pytest.raises(UnknownNameError, match="no corruption is called 'smog'"):
        corrupt(grey(0), "smog", 1, rows(64))


@pytest.mark.parametrize("name", NAMES)
def test_an_image_s_pixels_depend_on_its_own_index_alone(name):
    images = scenes(7, seed=1)
    whole = corrupt(images, name, 3, rows(7))
    np.testing.assert_array_equal(whole, corrupt(images, name, 3, rows(7)))
    alone = [corrupt(images[i : i + 1], name, 3, np.array([i]))[0] for i in range(7)]
    np.testing.assert_array_equal(whole, alone)
    order = np.array([4, 1, 6])
    np.testing.assert_array_equal(whole[order], corrupt(images[order], name, 3, order))


DRAWN = sorted(set(NAMES) - {"defocus-blur", "zoom-blur", "brightness", "contrast", "pixelate",
                             "jpeg"})  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_the_same_image_under_other_indices_differs_where_something_is_drawn(name):
    twice = np.repeat(scenes(1), 2, axis=0)
    first, second = corrupt(twice, name, 4, np.array([3, 4]))
    assert np.array_equal(first, second) == (name not in DRAWN)


@pytest.mark.parametrize("shape", [(8, 8, 3), (28, 28, 1), (64, 48, 3), (5, 33, 1), (1, 1, 3)])
@pytest.mark.parametrize("name", NAMES)
def test_any_size_grey_or_colour(name, shape):
    images = np.random.default_rng(0).integers(0, 256, (3, *shape), dtype=np.uint8)
    before = images.copy()
    for severity in (1, 5):
        found = corrupt(images, name, severity, rows(3))
        assert found.shape == images.shape
        assert found.dtype == np.uint8
    np.testing.assert_array_equal(images, before)


#: They draw for each channel, or have a colour, or another colour space.
COLOURED = {"gaussian-noise", "shot-noise", "impulse-noise", "frost", "jpeg"}


@pytest.mark.parametrize("name", sorted(set(NAMES) - COLOURED))
def test_a_grey_image_stored_in_colour_stays_grey_where_channels_are_treated_alike(name):
    one = scenes(2, channels=1)
    colour = corrupt(np.repeat(one, 3, axis=3), name, 3, rows(2))
    # The weights of television's brightness sum to 1 only up to rounding.
    np.testing.assert_allclose(
        colour.astype(int), np.broadcast_to(corrupt(one, name, 3, rows(2)), colour.shape), atol=1
    )


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("level", [0, 255])
def test_extremes_stay_in_range(name, level):
    # A level that wraps around would be far from what it was.
    found = corrupt(grey(level, 4), name, 5, rows(4)).astype(int)
    if name in ("snow", "frost"):
        assert found.min() > level - 60
    else:
        assert np.abs(found - level).mean() < 90


BLURS = [n for n in NAMES if CORRUPTIONS.get(n).family == "blur"] + ["elastic-transform",
         "pixelate", "contrast", "jpeg"]  # fmt: skip


@pytest.mark.parametrize("name", BLURS)
@pytest.mark.parametrize("severity", [1, 3, 5])
def test_one_level_everywhere_stays_as_it_is(name, severity):
    for level in (0, 100, 255):
        images = grey(level, 2)
        # The glass lets go of fractions between its steps; JPEG rounds the mean of a block.
        slack = 1 if name in ("glass-blur", "jpeg") else 0
        found = corrupt(images, name, severity, rows(2)).astype(int)
        np.testing.assert_allclose(found, images, atol=slack)


#: The paper's parameters make these shift pixels in other ways, not further, or brighten less in
#: some higher severities; docs/robustness.md says which.
UNEVEN = {"elastic-transform", "glass-blur", "motion-blur", "frost"}


@pytest.mark.parametrize("name", sorted(set(NAMES) - UNEVEN))
def test_each_severity_distorts_more(name):
    ratios = [psnr(scenes(20), name, severity) for severity in SEVERITIES]
    assert all(np.diff(ratios) < 0), ratios


@pytest.mark.parametrize("name", sorted(UNEVEN))
def test_uneven_corruptions_distort_at_every_severity(name):
    assert all(psnr(scenes(20), name, severity) < 35 for severity in SEVERITIES)


@pytest.mark.parametrize(
    ("images", "severity", "indices"),
    [
        (np.zeros((2, 4, 4, 3), np.float32), 1, rows(2)),
        (np.zeros((2, 4, 4, 4), np.uint8), 1, rows(2)),
        (np.zeros((4, 4, 3), np.uint8), 1, rows(4)),
        (np.zeros((2, 4, 4, 3), np.uint8), 0, rows(2)),
        (np.zeros((2, 4, 4, 3), np.uint8), 6, rows(2)),
        (np.zeros((2, 4, 4, 3), np.uint8), 1, rows(3)),
    ],
)
def test_what_cannot_be_corrupted_is_said(images, severity, indices):
    with pytest.raises(InputError, match="expected"):
        corrupt(images, "fog", severity, indices)
