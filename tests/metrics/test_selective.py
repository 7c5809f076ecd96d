"""Accuracy against coverage, counted image by image."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnlab.errors import InputError
from cnnlab.metrics.selective import coverage_curve

IMAGES = st.lists(
    st.tuples(st.sampled_from([0.6, 0.7, 0.8, 0.9]), st.booleans()), min_size=1, max_size=5
)


@given(IMAGES)
def test_ties_are_the_mean_over_all_orders(images: list[tuple[float, bool]]) -> None:
    top = np.array([confidence for confidence, _ in images])
    labels = [0 if right else 1 for _, right in images]
    curve = coverage_curve(np.stack([top, 1 - top], axis=1), labels)
    curves = []
    for order in itertools.permutations(images):
        confidences = [confidence for confidence, _ in order]
        if confidences == sorted(confidences, reverse=True):
            right = np.array([right for _, right in order], dtype=float)
            curves.append(np.cumsum(right) / np.arange(1, len(right) + 1))
    np.testing.assert_allclose(curve.accuracy, np.mean(curves, axis=0))
    assert curve.area == pytest.approx(np.mean(curves))
    assert curve.accuracy_at(1.0) == pytest.approx(np.mean([right for _, right in images]))


def test_by_hand() -> None:
    shares = [[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.6, 0.4]]
    curve = coverage_curve(shares, [0, 0, 0, 0])
    assert curve.coverage.tolist() == [0.25, 0.5, 0.75, 1.0]
    assert curve.accuracy.tolist() == [1, 1, pytest.approx(2 / 3), 0.75]
    assert curve.accuracy_at(0.5) == curve.accuracy_at(0.01) == 1
    for bad in (0.0, 1.5):
        with pytest.raises(InputError, match="expected above 0, at most 1"):
            curve.accuracy_at(bad)
