"""Intervals of means over classes against resampled images and scikit-learn's scores."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy.stats import bootstrap

from cnnlab.metrics.bootstrap import _Cells, macro_intervals
from cnnlab.metrics.confusion import balanced_accuracy, confusion_matrix, macro_f1
from cnnlab.metrics.statistics import wilson_interval

MATRICES = st.integers(2, 5).flatmap(
    lambda size: arrays(np.int64, (size, size), elements=st.integers(0, 9))
)


@given(MATRICES.filter(lambda matrix: matrix.sum() > 0))
def test_the_means_of_cells_are_those_of_the_matrix(matrix: NDArray[np.int64]) -> None:
    cells = _Cells(matrix)
    expected = [macro_f1(matrix), balanced_accuracy(matrix)]
    np.testing.assert_allclose(cells.means(cells.counts[None])[0], expected)


def test_the_intervals_are_scipy_s_bca_over_images() -> None:
    rng = np.random.default_rng(4)
    labels = rng.integers(0, 3, 60)
    said = np.where(rng.random(60) < 0.7, labels, rng.integers(0, 3, 60))
    matrix = confusion_matrix(labels, said, 3)
    for interval, metric in zip(
        macro_intervals(matrix), (macro_f1, balanced_accuracy), strict=True
    ):
        expected = bootstrap(
            (labels, said),
            lambda true, answers, metric=metric: metric(confusion_matrix(true, answers, 3)),
            paired=True,
            vectorized=False,
            n_resamples=4000,
            rng=1,
        ).confidence_interval
        assert list(interval) == pytest.approx([expected.low, expected.high], abs=0.015)


def test_where_all_or_none_is_right_wilson_s_interval_stands_in() -> None:
    perfect = macro_intervals(np.diag([5, 5]))
    assert perfect == (wilson_interval(10, 10), wilson_interval(10, 10))
    assert macro_intervals([[0, 5], [5, 0]]).macro_f1 == wilson_interval(0, 10)
    assert macro_intervals([[3]]).macro_f1 == wilson_interval(3, 3)


def test_one_class_said_of_all_images_is_no_certainty() -> None:
    collapsed = macro_intervals(np.array([[7, 0, 0], [7, 0, 0], [7, 0, 0]]))
    assert collapsed.balanced_accuracy == wilson_interval(7, 21)
    low, high = collapsed.macro_f1
    assert low < high


@settings(max_examples=20)
@given(MATRICES.filter(lambda matrix: matrix.sum() > 0))
def test_intervals_lie_within_zero_and_one(matrix: NDArray[np.int64]) -> None:
    for low, high in macro_intervals(matrix, resamples=100):
        assert 0 <= low <= high <= 1


def test_the_same_matrix_gives_the_same_intervals_in_blocks_or_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    matrix = np.arange(9).reshape(3, 3)
    whole = macro_intervals(matrix)
    assert macro_intervals(matrix) == whole
    monkeypatch.setattr("cnnlab.metrics.bootstrap._BLOCK", 900)
    assert macro_intervals(matrix) == whole
