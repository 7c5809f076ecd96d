"""When a file's logits count as the network's: cases worked by hand, and properties."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from cnnlab.exporting.parity import Parity, batch_parity

LOGITS = npst.arrays(
    np.float32,
    st.tuples(st.integers(1, 6), st.integers(2, 5)),
    elements=st.floats(-1e4, 1e4, width=32),
)


def _one(reference: list[float], found: list[float]) -> tuple[bool, int, int]:
    said = batch_parity(np.array([reference], np.float32), np.array([found], np.float32), 1)
    return said.holds, said.other_classes, said.undecided


@pytest.mark.parametrize(
    ("reference", "found", "expected"),
    [
        ([1.0, 0.0], [1.0, 0.0], (True, 0, 0)),
        ([1.0, 0.0], [1.00009, 0.0], (True, 0, 0)),
        ([1.0, 0.0], [1.00011, 0.0], (False, 0, 0)),
        ([1.0, 0.9999], [0.99995, 0.99996], (True, 0, 1)),  # 1e-4 apart: either class will do
        ([1.0, 0.9], [0.9, 1.0], (False, 1, 0)),
        ([20.0, 0.0], [20.00009, 0.0], (True, 0, 0)),
        ([20.0, 0.0], [20.00011, 0.0], (False, 0, 0)),  # twenty is not large yet
        ([10_000.0, 0.0], [10_000.03, 0.0], (True, 0, 0)),
        ([10_000.0, 0.0], [10_000.05, 0.0], (False, 0, 0)),
        ([1.0, 0.0], [1.0, float("nan")], (False, 1, 0)),  # NumPy's argmax is the NaN
        ([1.0, 0.0], [float("inf"), 0.0], (False, 0, 0)),
    ],
)
def test_by_hand(
    reference: list[float], found: list[float], expected: tuple[bool, int, int]
) -> None:
    assert _one(reference, found) == expected


@given(LOGITS)
def test_what_is_equal_holds(logits: np.ndarray) -> None:
    said = batch_parity(logits, logits.copy(), 7)
    assert (said.holds, said.largest_difference, said.images) == (True, 0.0, len(logits))


@given(LOGITS, st.floats(1e-3, 10), st.data())
def test_one_logit_too_far_is_found(
    logits: np.ndarray, further: float, data: st.DataObject
) -> None:
    image = data.draw(st.integers(0, len(logits) - 1))
    largest = float(np.abs(logits[image]).max())
    found = logits.copy()
    found[image, 0] += np.float32(2 * max(1e-4, 32 * 2.0**-23 * largest) + further)
    assert not batch_parity(logits, found, 256).holds


def test_probabilities_count_too() -> None:
    batch = batch_parity(np.zeros((1, 2), np.float32), np.zeros((1, 2), np.float32), 1)
    assert Parity((batch,), 0.9e-5).holds
    assert not Parity((batch,), 1.1e-5).holds
