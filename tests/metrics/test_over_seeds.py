"""Student's t over pairs, against SciPy's own test."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from cnnlab.errors import InputError
from cnnlab.metrics.over_seeds import paired_t

PAIRS = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=2, max_size=12)


@given(PAIRS, st.sampled_from([0.5, 0.9, 0.95, 0.99]))
def test_it_agrees_with_scipy(pairs, confidence):
    first, second = ([pair[k] for pair in pairs] for k in (0, 1))
    differences = [a - b for a, b in pairs]
    if max(differences) - min(differences) < 1e-6:
        return
    expected = stats.ttest_rel(first, second)
    low, high = expected.confidence_interval(confidence)
    found = paired_t(first, second, confidence)
    assert found.p_value == pytest.approx(expected.pvalue, rel=1e-6, abs=1e-12)
    assert (found.low, found.high) == pytest.approx((low, high), rel=1e-6, abs=1e-9)


def test_pairs_that_all_differ_alike_are_sure():
    assert paired_t([0.5, 0.75], [0.25, 0.5]) == (0.25, 0.25, 0.25, 0.0)
    assert paired_t([0.5, 0.75], [0.5, 0.75]) == (0.0, 0.0, 0.0, 1.0)


@pytest.mark.parametrize(("first", "second"), [([1.0], [0.5]), ([1.0, 0.5], [0.5])])
def test_one_pair_or_odd_ones_are_refused(first, second):
    with pytest.raises(InputError, match="two at least"):
        paired_t(first, second)
