"""Paired comparison against statsmodels and a plain bootstrap."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.stats import norm
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

from cnnlab.errors import InputError
from cnnlab.metrics.paired import (
    FEWEST_DISCORDANT,
    bootstrap_interval,
    compare_counts,
    compare_paired,
    holm,
    score_interval,
)

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
    result = compare_paired(a, b)
    assert result.method == "paired bootstrap"
    low, high = result.interval
    assert low == pytest.approx(np.quantile(differences, 0.025), abs=0.004)
    assert high == pytest.approx(np.quantile(differences, 0.975), abs=0.004)


COUNTS = st.integers(1, 300).flatmap(
    lambda n: st.integers(0, n).flatmap(
        lambda a: st.tuples(st.just(a), st.integers(0, n - a), st.just(n))
    )
)


def _likelihood_score(a: int, b: int, n: int, difference: float) -> float:
    """Tango's statistic with the nuisance share found by searching for the likeliest one."""

    def negative_likelihood(share: float) -> float:
        cells = [(a, share + difference), (b, share), (n - a - b, 1 - 2 * share - difference)]
        return -sum(count * np.log(max(p, 1e-300)) for count, p in cells if count)

    low, high = max(0.0, -difference), (1 - difference) / 2
    share = minimize_scalar(
        negative_likelihood, bounds=(low, high), method="bounded", options={"xatol": 1e-12}
    ).x
    variance = (2 * share + difference - difference**2) / n
    return float(((a - b) / n - difference) / np.sqrt(variance))


@pytest.mark.parametrize(
    ("a", "b", "n"), [(12, 5, 100), (40, 60, 300), (7, 0, 50), (1, 3, 1000), (3, 3, 20)]
)
@pytest.mark.parametrize("confidence", [0.90, 0.95])
def test_the_score_interval_ends_where_the_likelihood_s_test_rejects(
    a: int, b: int, n: int, confidence: float
) -> None:
    z = norm.ppf((1 + confidence) / 2)
    low, high = score_interval(a, b, n, confidence)
    assert _likelihood_score(a, b, n, low) == pytest.approx(z, abs=1e-3)
    assert _likelihood_score(a, b, n, high) == pytest.approx(-z, abs=1e-3)


@given(COUNTS)
def test_the_score_interval_holds_the_estimate_and_turns_with_the_sides(
    counts: tuple[int, int, int],
) -> None:
    a, b, n = counts
    low, high = score_interval(a, b, n)
    assert -1 <= low <= (a - b) / n <= high <= 1
    assert low < high
    assert list(score_interval(b, a, n)) == pytest.approx([-high, -low], abs=1e-9)


def test_without_a_difference_the_score_interval_is_the_formula_s() -> None:
    # By hand for no discordant image: d^2 n = z^2 d (1 - d), so d = z^2 / (n + z^2).
    low, high = score_interval(0, 0, 100)
    assert high == pytest.approx(norm.ppf(0.975) ** 2 / (100 + norm.ppf(0.975) ** 2))
    assert low == -high


def test_with_few_differing_images_the_score_interval_stands_in() -> None:
    few, enough = compare_counts(4, 1, 200), compare_counts(FEWEST_DISCORDANT, 0, 200)
    assert (few.method, few.interval) == ("score", score_interval(4, 1, 200))
    assert (enough.method, enough.interval) == (
        "paired bootstrap",
        bootstrap_interval(FEWEST_DISCORDANT, 0, 200),
    )


def test_equal_answers_differ_by_nothing_but_three_images_show_little() -> None:
    right = np.array([True, False, True])
    result = compare_paired(right, right)
    assert (result.difference, result.p_value) == (0.0, 1.0)
    assert result.interval.high > 0.5
    assert not result.equivalent(0.1)


def test_equivalence_is_the_ninety_percent_interval_inside_the_margin() -> None:
    same = compare_counts(100, 100, 10_000)
    assert same.equivalent(0.005)
    assert not same.equivalent(0.001)
    assert not compare_counts(300, 100, 10_000).equivalent(0.005)
    low, high = same.equivalence_interval()
    assert (low, high) == score_interval(100, 100, 10_000, 0.90)
    assert same.equivalent(high + 1e-9)
    assert not same.equivalent(high - 1e-9)
    assert same.equivalence_p(high) == pytest.approx(0.05)
    apart = compare_counts(130, 70, 10_000)
    assert apart.equivalence_p(apart.equivalence_interval().high) == pytest.approx(0.05)
    assert apart.equivalence_p(0.001) > 0.5


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
