"""Folds: stratified, groups together, a function of the seed."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cnnlab.data.folds import draw_folds


@given(st.integers(1, 200), st.integers(2, 7), st.integers(1, 5), st.integers(0, 99))
def test_folds_are_as_even_as_can_be(rows, folds, classes, seed):
    labels = np.random.default_rng(seed).integers(0, classes, rows)
    found = draw_folds(labels, np.arange(rows), folds=folds, seed=seed)
    sizes = np.bincount(found, minlength=folds)
    assert len(sizes) == folds
    assert np.ptp(sizes) <= 1
    for label in range(classes):
        assert np.ptp(np.bincount(found[labels == label], minlength=folds)) <= 1


@given(st.integers(1, 100), st.integers(0, 99))
def test_a_group_stays_together(rows, seed):
    groups = np.random.default_rng(seed).integers(0, 1 + rows // 3, rows) * 7 - 3
    found = draw_folds(np.zeros(rows, np.int64), groups, folds=3, seed=seed)
    for group in np.unique(groups):
        assert len(set(found[groups == group].tolist())) == 1


def test_another_seed_draws_other_folds():
    labels = np.arange(50) % 5
    first, again, other = (
        draw_folds(labels, np.arange(50), folds=4, seed=seed) for seed in (0, 0, 1)
    )
    assert (first == again).all()
    assert (first != other).any()
