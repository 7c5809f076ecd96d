"""Means over seeds against scipy's and statsmodels' t tests."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import roc_auc_score

from cnnlab.errors import InputError
from cnnlab.metrics.seeds import (
    improvement_probability,
    paired_difference,
    pooled_difference,
    summarize,
    welch_difference,
)

A = [0.781, 0.786, 0.779, 0.790, 0.783]
B = [0.776, 0.780, 0.771, 0.779, 0.781]
ACCURACIES = st.lists(
    st.integers(0, 1000).map(lambda right: right / 1000), min_size=2, max_size=8
).filter(lambda values: np.std(values) > 1e-4)


@given(ACCURACIES)
def test_a_recipe_s_mean_agrees_with_scipy(values: list[float]) -> None:
    found = summarize(values)
    expected = stats.ttest_1samp(values, 0).confidence_interval()
    assert found.interval is not None
    assert list(found.interval) == pytest.approx(np.clip([expected.low, expected.high], 0, 1))
    assert (found.n, found.mean) == (len(values), pytest.approx(np.mean(values)))
    assert found.deviation == pytest.approx(np.std(values, ddof=1))


def test_two_trainings_do_not_promise_more_than_everything() -> None:
    assert summarize([0.9, 0.99]).interval == pytest.approx((0.373, 1), abs=1e-3)
    assert summarize([0.02, 0.11]).interval == pytest.approx((0, 0.637), abs=1e-3)


@given(ACCURACIES, ACCURACIES)
def test_welch_agrees_with_scipy(a: list[float], b: list[float]) -> None:
    expected = stats.ttest_ind(a, b, equal_var=False)
    found = welch_difference(a, b)
    ends = expected.confidence_interval()
    assert found.p_value == pytest.approx(expected.pvalue)
    assert list(found.interval()) == pytest.approx([ends.low, ends.high])
    assert found.freedom == pytest.approx(expected.df)


def test_paired_and_pooled_agree_with_scipy() -> None:
    expected = stats.ttest_rel(A, B)
    found = paired_difference(A, B)
    assert found.p_value == pytest.approx(expected.pvalue)
    assert list(found.interval(0.9)) == pytest.approx(list(expected.confidence_interval(0.9)))
    for second in (B, B[:1]):
        pooled = pooled_difference(A, second)
        assert pooled.p_value == pytest.approx(stats.ttest_ind(A, second).pvalue)


@given(
    st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=2, max_size=12),
    st.sampled_from([0.5, 0.9, 0.95, 0.99]),
)
def test_any_pairs_agree_with_scipy(pairs: list[tuple[float, float]], confidence: float) -> None:
    differences = [a - b for a, b in pairs]
    assume(max(differences) - min(differences) >= 1e-6)
    first, second = ([pair[k] for pair in pairs] for k in (0, 1))
    expected, found = stats.ttest_rel(first, second), paired_difference(first, second)
    ends = expected.confidence_interval(confidence)
    assert found.p_value == pytest.approx(expected.pvalue, rel=1e-6, abs=1e-12)
    assert list(found.interval(confidence)) == pytest.approx(list(ends), rel=1e-6, abs=1e-9)


def test_pairs_that_all_differ_alike_are_sure() -> None:
    found = paired_difference([0.5, 0.75], [0.25, 0.5])
    assert (found.value, *found.interval(), found.p_value) == (0.25, 0.25, 0.25, 0.0)
    assert paired_difference([0.5, 0.75], [0.5, 0.75]).p_value == 1.0


def test_equivalence_agrees_with_statsmodels() -> None:
    from statsmodels.stats.weightstats import ttost_ind

    for margin in (0.005, 0.01, 0.02):
        expected = ttost_ind(np.array(A), np.array(B), -margin, margin, usevar="unequal")[0]
        assert welch_difference(A, B).equivalence_p(margin) == pytest.approx(expected)


def test_trainings_that_never_vary() -> None:
    same, other = welch_difference([0.5, 0.5], [0.5, 0.5]), welch_difference([0.6] * 2, [0.5] * 2)
    assert (same.p_value, other.p_value) == (1.0, 0.0)
    assert other.interval() == (pytest.approx(0.1), pytest.approx(0.1))
    assert same.equivalence_p(0.01) == 0.0
    assert other.equivalence_p(0.01) == 1.0


@given(ACCURACIES, ACCURACIES)
def test_the_probability_of_improvement_is_the_area_under_the_roc_curve(
    a: list[float], b: list[float]
) -> None:
    share, (low, high) = improvement_probability(a, b)
    labels = [1] * len(a) + [0] * len(b)
    assert share == pytest.approx(roc_auc_score(labels, a + b))
    assert 0 <= low <= share + 1e-12
    assert share - 1e-12 <= high <= 1
    other, (low_b, high_b) = improvement_probability(b, a)
    assert [other, low_b, high_b] == pytest.approx([1 - share, 1 - high, 1 - low])


def test_winning_every_pair_of_few_is_not_certainty() -> None:
    share, (low, high) = improvement_probability([0.9, 0.91, 0.92], [0.1, 0.11, 0.12])
    assert (share, high) == (1.0, 1.0)
    assert 0.2 < low < 0.8


def test_what_is_no_sample_is_refused() -> None:
    for values in ([], [0.1, float("nan")]):
        with pytest.raises(InputError, match="expected finite numbers"):
            summarize(values)
    with pytest.raises(InputError, match="finite numbers, 2 or more"):
        welch_difference([0.1], [0.2, 0.3])
    with pytest.raises(InputError, match="expected pairs"):
        paired_difference([0.1, 0.2], [0.1, 0.2, 0.3])
    with pytest.raises(InputError, match="one training each"):
        pooled_difference([0.1], [0.2])
    assert summarize([0.5]).interval is None
