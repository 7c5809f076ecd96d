"""Rows of numbers as images: shapes, ranges, rounding."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnlab.interop.pixels import checked_range, image_shape_for, range_of, to_pixels


@pytest.mark.parametrize(
    ("asked", "features", "shape"),
    [
        (None, 64, (8, 8, 1)),
        (None, 3072, (32, 32, 3)),
        (None, 5, (1, 5, 1)),
        (None, 3, (1, 1, 3)),
        ((4, 5), 20, (4, 5, 1)),
        ([2, 2, 3], 12, (2, 2, 3)),
    ],
)
def test_shapes(asked, features, shape):
    assert image_shape_for(asked, features) == shape


@given(st.integers(1, 4000))
def test_no_number_of_features_fits_two_shapes(features):
    squares = [(n, n, c) for n in range(1, 70) for c in (1, 3) if n * n * c == features]
    assert len(squares) <= 1
    assert [image_shape_for(None, features)] == (squares or [(1, features, 1)])


@pytest.mark.parametrize("asked", [(4,), (2, 2, 2), (0, 4), (2.0, 10), 20, (2, 2, 5, 1)])
def test_what_is_no_shape_is_refused(asked):
    with pytest.raises(ValueError, match="image_shape is"):
        image_shape_for(asked, 20)


@pytest.mark.parametrize("asked", [(1, 0), (0, 0), (0, np.inf), (0, np.nan), 255, "ab", (1, 2, 3)])
def test_what_is_no_range_is_refused(asked):
    with pytest.raises(ValueError, match="value_range is"):
        checked_range(asked)


def test_pixels_are_rounded_to_the_nearest_of_256_levels():
    rows = np.linspace(-1, 3, 12, dtype=np.float32).reshape(3, 4)
    found = to_pixels(rows, (2, 2, 1), (-1.0, 3.0), clip=False)
    wanted = [round(float((value + 1) / 4 * 255)) for value in rows.ravel().astype(float)]
    assert found.dtype == np.uint8
    assert found.ravel().tolist() == wanted
    assert found.shape == (3, 2, 2, 1)


def test_bytes_stay_as_they_are():
    rows = np.arange(256, dtype=np.uint8).reshape(16, 16)
    assert (to_pixels(rows, (4, 4, 1), (0.0, 255.0), clip=False).reshape(16, 16) == rows).all()
    as_floats = to_pixels(rows.astype(float), (4, 4, 1), (0.0, 255.0), clip=False)
    assert (as_floats.reshape(16, 16) == rows).all()


def test_what_lies_outside_is_clipped_or_refused():
    rows = np.array([[-5.0, 0.0, 1.0, 9.0]])
    assert to_pixels(rows, (1, 4, 1), (0.0, 1.0), clip=True).ravel().tolist() == [0, 0, 255, 255]
    with pytest.raises(ValueError, match="reach from -5 to 9; expected 0"):
        to_pixels(rows, (1, 4, 1), (0.0, 1.0), clip=False)
    nearly = np.array([[-1e-9, 0.0, 1.0, 1 + 1e-9]])
    assert to_pixels(nearly, (1, 4, 1), (0.0, 1.0), clip=False).ravel().tolist() == [0, 0, 255, 255]


def test_a_constant_has_a_range_too():
    assert range_of(np.full((2, 3), 7.0)) == (7.0, 8.0)
