"""Pairs of near hashes against a comparison of all with all."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnlab.evaluation.audit import neighbours
from cnnlab.evaluation.audit.neighbours import hamming, pairs_within


def _all_pairs(first, second, radius):
    return {
        (i, j, bits)
        for i in range(len(first))
        for j in range(i + 1, len(second))
        if (bits := (int(first[i]) ^ int(second[j])).bit_count()) <= radius
    }


@given(st.integers(0, 10**6), st.integers(0, 14), st.booleans())
@settings(max_examples=8)
def test_every_pair_is_found_once(seed, radius, crowded):
    generator = np.random.default_rng(seed)
    seeds = generator.integers(0, 2**64, 4 if crowded else 20, dtype=np.uint64)
    hashes = seeds[generator.integers(0, len(seeds), 60)]
    for _ in range(9):  # turn some bits, so that all distances occur
        turned = np.uint64(1) << generator.integers(0, 64, 60).astype(np.uint64)
        hashes = np.where(generator.random(60) < 0.6, hashes ^ turned, hashes)
    others = hashes[generator.permutation(60)]
    for second in (hashes, others):
        blocks = list(pairs_within(hashes, second, radius))
        found = [tuple(map(int, pair)) for block in blocks for pair in zip(*block, strict=True)]
        assert len(found) == len(set(found))
        assert set(found) == _all_pairs(hashes, second, radius)


def test_small_blocks_give_the_same(monkeypatch):
    hashes = np.zeros(40, np.uint64)
    monkeypatch.setattr(neighbours, "_BLOCK", 7)
    blocks = list(pairs_within(hashes, hashes, 0))
    assert sum(len(left) for left, _, _ in blocks) == 40 * 39 // 2


def test_nothing_gives_nothing_and_too_wide_a_radius_is_refused():
    nothing = np.empty(0, np.uint64)
    assert list(pairs_within(nothing, nothing, 5)) == []
    assert hamming(np.array([0], np.uint64), np.array([2**64 - 1], np.uint64)).tolist() == [64]
    with pytest.raises(ValueError, match="radius 16"):
        list(pairs_within(nothing, nothing, 16))
