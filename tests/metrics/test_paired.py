"""Paired comparison against statsmodels and a plain bootstrap."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

from cnnlab.errors import InputError
from cnnlab.metrics.paired import compare_paired, holm

ANSWERS = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60)


@settings(max_examples=50)
@given(ANSWERS)
def test_p_value_agrees_with_statsmodels(answers: list[tuple[bool, bool]]) -> None:
    a, b = (np.array(side) for side in zip(*answers, strict=True))
    table = [[(a & b).sum(), (a & ~b).sum()], [(~a & b).sum(), (~a & ~b).sum()]]
    result = compare_paired(a, b)
    assert result.p_value == pytest.approx(mcnemar(table, exact=True).pvalue)
    assert (result.only_a, result.only_b, result.n) == (table[0][1], table[1][0], len(answers))
    assert result.difference == pytest.approx(a.mean() - b.mean())
    assert result.interval.low <= result.difference <= result.interval.high


@settings(max_examples=50)
@given(ANSWERS)
def test_exchanging_the_two_exchanges_the_result(answers: list[tuple[bool, bool]]) -> None:
    a, b = (np.array(side) for side in zip(*answers, strict=True))
    one, other = compare_paired(a, b), compare_paired(b, a)
    assert one.difference == -other.difference
    assert one.p_value == other.p_value


def test_the_interval_is_that_of_resampled_images() -> None:
    rng = np.random.default_rng(3)
    a, b = rng.random(500) < 0.8, rng.random(500) < 0.7
    rows = rng.integers(0, 500, (20_000, 500))
    differences = a[rows].mean(axis=1) - b[rows].mean(axis=1)
    low, high = compare_paired(a, b).interval
    assert low == pytest.approx(np.quantile(differences, 0.025), abs=0.004)
    assert high == pytest.approx(np.quantile(differences, 0.975), abs=0.004)


def test_equal_answers_differ_by_nothing() -> None:
    right = np.array([True, False, True])
    result = compare_paired(right, right)
    assert (result.difference, result.p_value, result.interval) == (0.0, 1.0, (0.0, 0.0))


@pytest.mark.parametrize(("a", "b"), [([], []), ([True], [True, False]), ([[True]], [[True]])])
def test_what_is_not_paired_is_refused(a: list[bool], b: list[bool]) -> None:
    with pytest.raises(InputError, match="expected the same images, at least one"):
        compare_paired(np.array(a, dtype=bool), np.array(b, dtype=bool))


@settings(max_examples=8)  # statsmodels takes a tenth of a second for each
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_agrees_with_statsmodels(p_values: list[float]) -> None:
    expected = multipletests(p_values, method="holm")[1]
    np.testing.assert_allclose(holm(p_values), expected)


def test_holm_of_nothing_and_of_no_probability() -> None:
    assert holm([]) == []
    with pytest.raises(InputError, match="numbers from 0 to 1"):
        holm([0.5, 1.5])
