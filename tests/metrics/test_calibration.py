"""Probabilities against scikit-learn and arithmetic by hand."""

from __future__ import annotations

import warnings
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from scipy.special import log_softmax as scipy_log_softmax
from sklearn import metrics as oracle
from sklearn.calibration import calibration_curve

from cnnlab.errors import InputError
from cnnlab.metrics.calibration import (
    brier,
    ece,
    log_softmax,
    nll,
    reliability_bins,
    softmax,
)

EXTREME = hnp.arrays(
    np.float32,
    st.tuples(st.integers(1, 8), st.integers(2, 6)),
    elements=st.floats(-1e4, 1e4, width=32),
)


def some_logits(
    seed: int, n: int = 200, classes: int = 5
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Logits that lean towards their labels, so that every metric has something to see."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, n)
    labels[:classes] = np.arange(classes)
    return rng.normal(size=(n, classes)) * 2 + 1.5 * np.eye(classes)[labels], labels


@given(EXTREME)
def test_log_softmax_is_finite_and_agrees_with_scipy(logits: NDArray[np.float32]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        logs = log_softmax(logits)
    assert np.isfinite(logs).all()
    assert (logs <= 0).all()
    np.testing.assert_allclose(logs, scipy_log_softmax(logits.astype(np.float64), axis=1))
    np.testing.assert_allclose(softmax(logits).sum(axis=1), 1, rtol=1e-12)


def test_case_22_logits_of_ten_thousand_have_the_loss_that_they_should() -> None:
    logits = np.array([[1e4, -1e4], [1e4, -1e4]])
    assert nll(logits, [0, 0]) == 0.0
    assert nll(logits, [1, 1]) == 2e4
    assert ece(softmax(logits), [0, 1]) == 0.5


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1))
def test_nll_and_brier_agree_with_scikit_learn(seed: int) -> None:
    logits, labels = some_logits(seed)
    shares = softmax(logits)
    assert nll(logits, labels) == pytest.approx(oracle.log_loss(labels, shares, labels=range(5)))
    expected = oracle.brier_score_loss(labels, shares, labels=range(5), scale_by_half=False)
    assert brier(shares, labels) == pytest.approx(expected)


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1), st.integers(1, 20))
def test_reliability_bins_agree_with_scikit_learn(seed: int, bins: int) -> None:
    logits, labels = some_logits(seed)
    shares = softmax(logits)
    groups = reliability_bins(shares, labels, bins)
    right = (shares.argmax(axis=1) == labels).astype(int)
    accuracy, confidence = calibration_curve(
        right, shares.max(axis=1), n_bins=bins, strategy="quantile"
    )
    np.testing.assert_allclose([g.accuracy for g in groups], accuracy)
    np.testing.assert_allclose([g.confidence for g in groups], confidence)
    counts = [g.count for g in groups]
    assert sum(counts) == len(labels)
    assert max(counts) - min(counts) <= 1  # equal mass, as no confidences are equal
    by_hand = np.average(np.abs(accuracy - confidence), weights=counts)
    assert ece(shares, labels, bins) == pytest.approx(by_hand)


def test_ece_by_hand() -> None:
    # Two bins of two: confidences 0.6, 0.7 (one right), then 0.8, 0.9 (both right).
    top = np.array([0.6, 0.7, 0.8, 0.9])
    shares = np.stack([top, 1 - top], axis=1)
    expected = Fraction(1, 2) * abs(Fraction(1, 2) - Fraction(65, 100)) + Fraction(1, 2) * Fraction(
        15, 100
    )
    assert ece(shares, [0, 1, 0, 0], bins=2) == pytest.approx(float(expected))


def test_a_confidence_of_one_is_in_the_last_bin() -> None:
    top = np.array([0.55, 0.6, 0.7, 0.8, 1.0, 1.0])
    shares = np.stack([top, 1 - top], axis=1)
    groups = reliability_bins(shares, [0] * 6, bins=3)
    assert len(groups) == 3
    assert groups[-1].count == 2
    assert groups[-1].confidence == 1.0


def test_equal_confidences_share_one_bin_so_order_does_not_matter() -> None:
    shares = np.tile([[0.5, 0.5]], (30, 1))
    labels = np.repeat([0, 1], 15)
    assert [g.count for g in reliability_bins(shares, labels, bins=15)] == [30]
    assert ece(shares, labels) == ece(shares, labels[::-1]) == 0.0
    sure = np.tile([[1.0, 0.0]], (30, 1))
    assert ece(sure, labels) == 0.5


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=25)
def test_ece_does_not_depend_on_the_order_of_images(seed: int) -> None:
    logits, labels = some_logits(seed)
    shares = softmax(np.round(logits))  # rounding makes ties
    rows = np.random.default_rng(seed).permutation(len(labels))
    assert ece(shares, labels) == pytest.approx(ece(shares[rows], labels[rows]), abs=1e-12)
    assert 0 <= ece(shares, labels) <= 1


def test_fewer_images_than_bins() -> None:
    groups = reliability_bins([[0.9, 0.1], [0.6, 0.4]], [0, 1], bins=15)
    assert [(g.count, g.accuracy) for g in groups] == [(1, 0.0), (1, 1.0)]


def test_perfect_and_worst_brier() -> None:
    assert brier([[1.0, 0.0], [0.0, 1.0]], [0, 1]) == 0.0
    assert brier([[1.0, 0.0], [0.0, 1.0]], [1, 0]) == 2.0


def test_float32_probabilities_a_rounding_above_one_are_taken() -> None:
    assert brier(np.array([[1.0000001, 0.0]], np.float32), [0]) == 0.0


@pytest.mark.parametrize(
    ("logits", "labels", "says"),
    [
        (np.zeros((0, 3)), [], "no logits"),
        (np.zeros(3), [0], r"shape \[3\]"),
        (np.zeros((2, 0)), [0, 0], r"shape \[2, 0\]"),
        ([[0.0, np.nan]], [0], r"logits\[0, 1\]: nan; expected finite"),
        ([[0.0, -np.inf]], [0], r"logits\[0, 1\]: -inf"),
        ([["a", "b"]], [0], "expected real numbers"),
        ([[0.0, 1.0]], [2], r"labels\[0\]: class 2; expected 0 to 1"),
        ([[0.0, 1.0]], [0, 1], "differ in length"),
    ],
)
def test_bad_logits_are_refused(logits: Any, labels: list[int], says: str) -> None:
    with pytest.raises(InputError, match=says):
        nll(logits, labels)


@pytest.mark.parametrize(
    ("shares", "says"),
    [
        ([[2.0, -1.0]], "expected 0 to 1"),
        ([[0.5, 0.6]], "adds up to 1.1; expected 1; give softmax outputs"),
        (np.zeros((0, 2)), "no probabilities"),
    ],
)
def test_bad_probabilities_are_refused(shares: Any, says: str) -> None:
    for metric in (brier, ece):
        with pytest.raises(InputError, match=says):
            metric(shares, [0])


def test_no_bins_are_refused() -> None:
    with pytest.raises(InputError, match="bins: 0; expected a whole number, 1 or more"):
        ece([[0.5, 0.5]], [0], bins=0)
