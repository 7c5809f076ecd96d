"""Counted random numbers, held against whole numbers of Python's own."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from cnnlab.data.counters import fractions, random_bits

MASK = 2**64 - 1


def mixed(keys: list[int]) -> int:
    state = 0
    for key in keys:
        state = (state + key + 0x9E3779B97F4A7C15) & MASK
        state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & MASK
        state ^= state >> 31
    return state


def test_the_first_number_is_the_one_that_splitmix64_is_known_by() -> None:
    assert int(random_bits(0)[0]) == 0xE220A8397B1DCDAF


@given(st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=4))
def test_every_key_is_mixed_in(keys: list[int]) -> None:
    assert int(random_bits(*keys)[0]) == mixed(keys)


def test_keys_broadcast_and_a_number_depends_on_its_own_keys_alone() -> None:
    rows, columns = np.arange(3)[:, None], np.arange(5)[None, :]
    table = random_bits(7, rows, columns)
    assert table.shape == (3, 5)
    assert int(table[2, 4]) == mixed([7, 2, 4])
    np.testing.assert_array_equal(table[:2, 1:3], random_bits(7, rows[:2], columns[:, 1:3]))


def test_fractions_are_spread_evenly_over_0_to_1() -> None:
    values = fractions(3, np.arange(20_000))
    assert 0 <= values.min() < values.max() < 1
    assert stats.kstest(values, "uniform").pvalue > 1e-3
    assert abs(np.corrcoef(values[1:], values[:-1])[0, 1]) < 0.03
