"""Intervals against statsmodels."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from cnnlab.errors import InputError
from cnnlab.metrics.statistics import clopper_pearson, share_difference, wilson_interval

TRIALS = st.integers(1, 20_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
LEVELS = st.sampled_from([0.5, 0.9, 0.95, 0.99])


@pytest.mark.parametrize(
    ("interval", "method"), [(wilson_interval, "wilson"), (clopper_pearson, "beta")]
)
@given(trials=TRIALS, confidence=LEVELS)
def test_intervals_agree_with_statsmodels(
    interval: Any, method: str, trials: tuple[int, int], confidence: float
) -> None:
    successes, n = trials
    expected = proportion_confint(successes, n, alpha=1 - confidence, method=method)
    low, high = interval(successes, n, confidence)
    assert low == pytest.approx(expected[0], abs=1e-10)
    assert high == pytest.approx(expected[1], abs=1e-10)
    assert 0 <= low <= successes / n <= high <= 1


@pytest.mark.parametrize("interval", [wilson_interval, clopper_pearson])
def test_the_ends_are_exact(interval: Any) -> None:
    assert interval(0, 50).low == 0.0
    assert interval(50, 50).high == 1.0
    assert interval(0, 50).high == pytest.approx(1 - interval(50, 50).low)


def test_the_report_s_model_f_on_test() -> None:
    # 7,865 of 10,000 right; the ends by the textbook formula with z = 1.96.
    low, high = wilson_interval(7865, 10_000)
    z, p, n = 1.959964, 0.7865, 10_000
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    assert (low, high) == (pytest.approx(middle - half), pytest.approx(middle + half))


def test_clopper_pearson_keeps_its_level_exactly() -> None:
    """Its definition: at each end, the tail beyond the observation has probability 2.5%."""
    from scipy.stats import binom

    low, high = clopper_pearson(7, 20)
    assert binom.sf(6, 20, low) == pytest.approx(0.025)
    assert binom.cdf(7, 20, high) == pytest.approx(0.025)


def test_numpy_integers_are_taken() -> None:
    assert wilson_interval(np.int64(3), np.int64(4)) == wilson_interval(3, 4)


@pytest.mark.parametrize(
    ("successes", "n", "confidence", "says"),
    [
        (0, 0, 0.95, "n: 0; expected a whole number, 1 or more"),
        (5, 4, 0.95, "successes: 5; expected 0 to 4"),
        (-1, 4, 0.95, "successes: -1"),
        (1.5, 4, 0.95, "successes: 1.5"),
        (1, 4, 1.0, "confidence: 1.0; expected between 0 and 1"),
        (1, 4, math.nan, "confidence: nan"),
    ],
)
def test_what_is_no_share_is_refused(successes: int, n: int, confidence: float, says: str) -> None:
    for interval in (wilson_interval, clopper_pearson):
        with pytest.raises(InputError, match=says):
            interval(successes, n, confidence)


@given(st.integers(1, 500), st.integers(1, 500), st.data())
def test_the_difference_of_two_shares_is_newcombe_s(n_a: int, n_b: int, data: Any) -> None:
    a, b = data.draw(st.integers(0, n_a)), data.draw(st.integers(0, n_b))
    expected = confint_proportions_2indep(a, n_a, b, n_b, method="newcomb")
    assert share_difference((a, n_a), (b, n_b)) == pytest.approx(expected, abs=1e-9)
