"""The box around what matters most."""

from __future__ import annotations

import numpy as np
import pytest

from cnnlab.explanation import Box, important_region


def test_the_box_holds_what_hangs_together_with_the_largest_value() -> None:
    heat = np.zeros((6, 8))
    heat[1, 1], heat[2, 2], heat[2, 3] = 1.0, 0.6, 0.5  # a corner counts, a half counts
    heat[3, 3] = 0.49
    heat[5, 7] = 0.9  # as warm, but elsewhere
    assert important_region(heat) == Box(left=1, top=1, right=4, bottom=3)


@pytest.mark.parametrize("heat", [np.zeros((3, 3)), -np.ones((3, 3))])
def test_where_nothing_speaks_for_it_there_is_none(heat: np.ndarray) -> None:
    assert important_region(heat) is None


@pytest.mark.parametrize(
    ("box", "words"),
    [
        (Box(0, 0, 3, 3), "top left"),
        (Box(4, 0, 5, 2), "top"),
        (Box(6, 6, 9, 9), "bottom right"),
        (Box(0, 0, 9, 9), "middle"),
        (Box(7, 3, 9, 6), "right"),
    ],
)
def test_places_have_words(box: Box, words: str) -> None:
    assert box.where(9, 9) == words
