"""Temperature scaling against scipy's search for the same minimum."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from cnnlab.errors import InputError
from cnnlab.metrics.calibration import ece, nll, softmax
from cnnlab.metrics.temperature import (
    TEMPERATURES,
    at_temperature,
    cross_fitted_probabilities,
    fit_temperature,
)


def drawn(
    seed: int, n: int, sharpness: float, classes: int = 6
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Labels drawn from the softmax of logits, which are then stretched by ``sharpness``."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (n, classes))
    gumbel = rng.gumbel(size=logits.shape)
    return logits * sharpness, (logits + gumbel).argmax(axis=1)


@pytest.mark.parametrize("sharpness", [0.3, 1.0, 4.0])
def test_it_is_the_minimum_that_scipy_finds(sharpness: float) -> None:
    logits, labels = drawn(1, 500, sharpness)
    expected = minimize_scalar(
        lambda log: nll(logits / np.exp(log), labels), bounds=(-4, 4), options={"xatol": 1e-9}
    )
    assert fit_temperature(logits, labels) == pytest.approx(np.exp(expected.x), rel=1e-4)


def test_it_finds_how_far_logits_were_stretched() -> None:
    logits, labels = drawn(2, 20_000, 3.0)
    assert fit_temperature(logits, labels) == pytest.approx(3.0, rel=0.05)
    after = ece(at_temperature(logits, 3.0), labels)
    assert after < 0.02 < 0.1 < ece(softmax(logits), labels)


def test_answers_stay_and_the_order_of_images_does_not_matter() -> None:
    logits, labels = drawn(3, 300, 2.0)
    temperature = fit_temperature(logits, labels)
    assert (at_temperature(logits, temperature).argmax(1) == logits.argmax(1)).all()
    rows = np.random.default_rng(0).permutation(300)
    assert fit_temperature(logits[rows], labels[rows]) == pytest.approx(temperature)


def test_images_without_a_mistake_do_not_make_answers_certain() -> None:
    """By hand, two classes: each answer gets (n + 1) / (n + 2)."""
    sure = np.array([[9.0, 0.0], [0.0, 9.0]])
    assert fit_temperature(sure, [0, 1]) == pytest.approx(9 / np.log(3))
    many = np.tile(sure, (25, 1))
    assert at_temperature(many, fit_temperature(many, [0, 1] * 25)).max() == pytest.approx(51 / 52)
    three = np.array([[4.0, 0.0, 1.0]])
    expected = minimize_scalar(
        lambda log: -np.log(softmax(three / np.exp(log))[0]).dot([2 / 3, 1 / 6, 1 / 6]),
        bounds=(-4, 4),
        options={"xatol": 1e-9},
    )
    assert fit_temperature(three, [0]) == pytest.approx(np.exp(expected.x), rel=1e-4)


def test_without_a_best_temperature_the_ends_are_given() -> None:
    sure = np.array([[9.0, 0.0], [0.0, 9.0]])
    assert fit_temperature(sure, [1, 0]) == TEMPERATURES[1]  # all wrong
    assert fit_temperature(np.full((3, 2), 1e4), [0, 1, 0]) in TEMPERATURES
    assert np.isfinite(at_temperature(np.array([[1e4, -1e4]]), TEMPERATURES[0])).all()


def test_no_image_helps_to_choose_its_own_temperature() -> None:
    logits, labels = drawn(4, 60, 3.0)
    whole = cross_fitted_probabilities(logits, labels)
    assert whole is not None
    part = np.random.default_rng(0).permutation(60) % 5
    labels_changed = labels.copy()
    labels_changed[part == 2] = (labels_changed[part == 2] + 1) % 6
    changed = cross_fitted_probabilities(logits, labels_changed)
    assert changed is not None
    np.testing.assert_array_equal(whole[part == 2], changed[part == 2])
    assert not np.allclose(whole[part == 1], changed[part == 1])
    for number in range(5):
        others = fit_temperature(logits[part != number], labels[part != number])
        expected = at_temperature(logits[part == number], others)
        np.testing.assert_array_equal(whole[part == number], expected)


def test_too_few_images_and_no_temperature() -> None:
    assert cross_fitted_probabilities(np.zeros((4, 2)), [0, 1, 0, 1]) is None
    for bad in (0.0, -1.0, np.inf, np.nan):
        with pytest.raises(InputError, match=r"temperature: .*; expected a number above 0"):
            at_temperature(np.zeros((1, 2)), bad)
