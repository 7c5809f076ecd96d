"""How time is divided between search and confirmation."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnlab.errors import ConfigError
from cnnlab.sweeps import Budget

seconds = st.floats(1, 1e5)


@given(seconds, st.none() | seconds, st.integers(1, 8), st.integers(0, 5), st.integers(0, 5))
def test_confirmation_never_takes_more_than_half(total, full, slots, confirm, seeds):
    budget = Budget(total, None, confirm, seeds)
    kept = budget.kept(full, slots)
    assert 0 <= kept <= total / 2
    if full is not None and confirm and seeds:
        rounds = math.ceil((confirm + 1) * seeds / slots)
        assert kept == pytest.approx(min(rounds * full, total / 2))
    assert budget.search_ends(full, slots) == pytest.approx(total - kept)


def test_a_trial_that_would_not_end_in_time_is_not_begun():
    budget = Budget(seconds=100, confirm=1, seeds=2)  # 4 trainings of 10 s are kept back
    assert budget.may_start(0, 0, None, 1)
    assert budget.may_start(50, 5, 10, 1)
    assert not budget.may_start(51, 5, 10, 1)
    assert budget.may_start(61, 5, 10, 4)  # four at a time need 10 s
    assert not Budget(trials=5).may_start(0, 5, 1, 1)
    assert Budget(trials=5).may_start(1e9, 4, 1, 1)


def test_rounds_of_confirmation_end_with_the_time():
    budget = Budget(seconds=100, confirm=3, seeds=3)
    assert budget.may_confirm(99, 4, 0, 10, 1)
    assert not budget.may_confirm(100, 4, 0, 10, 1)
    assert budget.may_confirm(59, 4, 1, 10, 1)
    assert not budget.may_confirm(61, 4, 1, 10, 1)
    assert budget.may_confirm(89, 4, 1, 10, 4)


@pytest.mark.parametrize(
    ("budget", "said"),
    [
        (Budget(), "a search needs an end; expected --time"),
        (Budget(trials=0), "--trials: the value is 0; expected 1 to 100,000"),
        (Budget(trials=3, confirm=-1), "--confirm"),
        (Budget(trials=3, seeds=1001), "--seeds"),
        (Budget(seconds=math.inf), "--time"),
    ],
)
def test_what_is_out_of_range_is_refused(budget, said):
    with pytest.raises(ConfigError, match=said):
        budget.check(finite=False)
    Budget().check(finite=True)
