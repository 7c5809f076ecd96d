"""Which value is white: found out, asked for, never guessed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from cnnlab.data.forms.pixels import Values, choose_white, range_of, to_uint8
from cnnlab.errors import DataError


def values(array: Any, where: str = "x", *, look: bool = False) -> Values:
    array = np.asarray(array)

    def blocks() -> Iterator[NDArray[Any]]:
        for row in range(0, len(array), 2):
            yield array[row : row + 2]

    return range_of(blocks(), array.dtype, where, f"mine.npz: {where}", look=look)


def white(*arrays: Any, asked: float | None = None) -> float:
    return choose_white([values(array, f"x{i}") for i, array in enumerate(arrays)], asked)[0]


BYTES = np.array([[0], [128], [255]], np.uint8)


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (BYTES, 255),
        (BYTES // 100, 255),  # uint8 is as it is, however dark
        (BYTES.astype(np.int64), 255),
        (BYTES.astype(np.float32), 255),
        (BYTES / 2 + 0.5, 255),
        (BYTES > 99, 1),
        (BYTES / 255, 1),
        (BYTES.astype(np.float16) / 255, 1),
        (BYTES / 1000, 1),
        (BYTES * 0.0, 1),
        ((BYTES > 99).astype(np.int32), 1),
    ],
)
def test_the_white_of_one_array(array: Any, expected: float) -> None:
    assert white(array) == expected


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.array([[0], [16]]), r"int64 values reach from 0 to 16; .* data\.white=16$"),
        (np.array([[0.0], [1.5]]), r"float64 values reach from 0 to 1\.5; .* data\.white=2$"),
        (np.array([[0], [127]]), r"reach from 0 to 127; .* data\.white=127$"),
        (np.array([[0], [256]], np.uint16), r"uint16 values .* to 256; .* data\.white=256$"),
        (np.array([[0], [4095]], np.uint16), r"to 4095; .* data\.white=4095$"),
        (np.array([[0], [40000]], np.uint16), r"to 40000; .* data\.white=65535$"),
        (np.array([[0], [0], [-1]]), "x0, index 2: int64 values reach from -1 to 0; expected 0 "),
        (np.array([[0], [1], [-0.1]]), "x0, index 2: .* before they were normalised"),
        (np.array([[0], [np.nan], [1]]), "x0, index 1: a value is NaN or infinite"),
        (np.array([[0], [1], [-np.inf]]), "x0, index 2: a value is NaN or infinite"),
        (np.array([[0], [1j]]), "x0: the images are complex128"),
        (np.array([["a"]]), "x0: the images are <U1"),
        (np.array([["2020-01-01"]], "datetime64[D]"), "the images are datetime64"),
    ],
)
def test_what_cannot_be_known_is_refused(array: Any, said: str) -> None:
    with pytest.raises(DataError, match=said):
        white(array)


def test_one_white_for_all_parts() -> None:
    assert white(BYTES, BYTES * 1.0) == 255
    assert white(BYTES * 1.0, BYTES * 0.3) == 255  # a dark test part beside a clear one
    assert white(BYTES / 255, BYTES / 500) == 1
    assert white(BYTES / 255, BYTES * 0.0) == 1
    with pytest.raises(
        DataError, match=r"x1: float64 .* from 0 to 1, those of x0 to 255; .* one r"
    ):
        white(BYTES * 1.0, BYTES / 255)
    with pytest.raises(
        DataError, match=r"x0: float64 .* from 0 to 1, those of x1 to 255; .* one r"
    ):
        white(BYTES / 255, BYTES)
    with pytest.raises(DataError, match="x1: float64 values reach from 0 to 16"):
        white(BYTES / 255, BYTES / 255 * 16)


def test_the_user_may_say_it() -> None:
    assert white(np.array([[0], [16]]), asked=16) == 16
    with pytest.raises(DataError, match=r"x0, index 1: .* 0 to 17; expected at most 16, the white"):
        white(np.array([[0], [17], [3]]), asked=16)
    with pytest.raises(DataError, match=r"x0, index 1: .*-3 to 0; expected 0"):
        white(np.array([[0], [-3]]), asked=16)
    dark = values(BYTES // 64, look=True)
    assert (dark.low, dark.high, dark.high_row) == (0, 3, 2)
    assert choose_white([dark], 3) == (3, ())


def test_what_is_assumed_is_said() -> None:
    notes = choose_white([values(BYTES / 255, "x"), values(BYTES > 9, "x_test")])[1]
    assert notes == (
        "x: float64 values of 0 to 1 are taken as 0 to 1",
        "x_test: False is black, True is white",
    )
    assert choose_white([values(BYTES.astype(int))])[1] == (
        "x: int64 values of 0 to 255 are taken as 0 to 255",
    )
    assert choose_white([values(BYTES)])[1] == ()


@given(st.sampled_from([np.float16, np.float32, np.float64, np.longdouble]))
def test_bytes_divided_by_255_come_back_exactly(kind: type) -> None:
    everything = np.arange(256, dtype=np.uint8)
    divided = everything.astype(kind) / kind(255)
    np.testing.assert_array_equal(to_uint8(divided, 1), everything)


@pytest.mark.parametrize("kind", [np.int16, np.int64, np.uint64, np.float32])
def test_bytes_in_wider_types_come_back_exactly(kind: type) -> None:
    everything = np.arange(256, dtype=np.uint8)
    np.testing.assert_array_equal(to_uint8(everything.astype(kind), 255), everything)


def test_bool_is_black_and_white() -> None:
    assert to_uint8(np.array([False, True]), 1).tolist() == [0, 255]


@given(st.integers(0, 65535))
def test_sixteen_bits_are_scaled_as_those_of_image_files(value: int) -> None:
    (scaled,) = to_uint8(np.array([value], np.uint16), 65535)
    assert scaled == (value + 128) // 257


@given(
    st.floats(1e-3, 1e6),
    st.lists(st.floats(0, 1), min_size=1, max_size=20),
)
def test_scaling_keeps_the_order_and_the_ends(top: float, shares: list[float]) -> None:
    ordered = np.sort(np.array([0.0, *shares, 1.0])) * top
    scaled = to_uint8(ordered, top)
    assert scaled[0] == 0
    assert scaled[-1] == 255
    assert np.all(np.diff(scaled.astype(int)) >= 0)
    np.testing.assert_allclose(scaled / 255 * top, ordered, atol=top * 0.51 / 255)
