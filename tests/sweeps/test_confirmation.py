"""Who wins on fresh seeds, and how much of a figure was luck."""

import numpy as np
import pytest
from scipy import stats

from cnnlab.sweeps import Candidate, confirm

BASE = Candidate(0, 0.80, {1: 0.80, 2: 0.79, 3: 0.81})
LUCKY = Candidate(5, 0.90, {1: 0.81, 2: 0.82, 3: 0.80})
GOOD = Candidate(7, 0.88, {1: 0.86, 2: 0.85, 3: 0.88})


def test_the_best_mean_wins_not_the_best_figure_of_the_search():
    found = confirm([LUCKY, GOOD, BASE], larger=True)
    assert [one.trial for one in found.candidates] == [7, 5, 0]
    assert found.winner is GOOD
    assert found.baseline is BASE
    assert LUCKY.shift == pytest.approx(0.09)
    test = stats.ttest_rel(list(GOOD.fresh.values()), list(BASE.fresh.values()))
    ends = test.confidence_interval()
    assert found.improvement.p_value == pytest.approx(test.pvalue)
    assert found.improvement.interval() == pytest.approx((ends.low, ends.high))
    assert found.improvement.value == pytest.approx(np.mean([0.06, 0.06, 0.07]))


def test_a_smaller_loss_wins():
    found = confirm([LUCKY, GOOD, BASE], larger=False)
    assert found.winner is BASE
    assert found.improvement is None


def test_who_failed_on_a_seed_is_no_winner():
    broken = Candidate(9, 0.95, {1: 0.99})
    assert confirm([broken, GOOD, BASE], larger=True).winner is GOOD
    nothing = Candidate(3, 0.9, {})
    assert confirm([nothing], larger=True).winner is None
    assert confirm([], larger=True).winner is None
    assert nothing.summary is None
    assert nothing.shift is None


def test_one_seed_gives_no_interval():
    a, b = Candidate(1, 0.9, {1: 0.8}), Candidate(0, 0.7, {1: 0.7})
    found = confirm([a, b], larger=True)
    assert (found.winner, found.improvement) == (a, None)


def test_figures_that_agree_to_the_image_have_an_interval():
    a = Candidate(3, 0.9, {1: 0.95, 2: 0.95}, images=100)
    base = Candidate(0, 0.9, {1: 0.94, 2: 0.94}, images=100)
    found = confirm([a, base], larger=True)
    low, high = found.improvement.interval()
    assert low < 0 < 0.01 < high
    assert 0.9 < a.summary.interval[0] < 0.95 < a.summary.interval[1] < 1


def test_a_loss_s_interval_has_no_upper_end_at_one():
    loss = Candidate(3, 1.9, {1: 1.8, 2: 2.0, 3: 1.9})
    ends = stats.ttest_1samp([1.8, 2.0, 1.9], 0).confidence_interval()
    assert loss.summary.interval == pytest.approx((ends.low, ends.high))
