"""Pairs of 64-bit hashes that differ in few bits, without comparing all with all."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

__all__ = ["LARGEST_RADIUS", "Pairs", "hamming", "pairs_within"]

_BANDS, _BAND_BITS = 4, 16
_KEYS = 1 << _BAND_BITS

#: A fifth band bit to turn would be as slow as comparing all with all.
LARGEST_RADIUS = 15

#: Candidates that are looked at together.
_BLOCK = 1 << 21

#: Bits that are set in each number of 16 bits.
_ONES = np.array([number.bit_count() for number in range(_KEYS)], dtype=np.uint8)

#: Rows of the first hashes, of the second ones, and the bits by which they differ.
Pairs = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]


def hamming(first: NDArray[np.uint64], second: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Bits in which hashes ``[N]`` and ``[N]`` differ, int64 ``[N]``."""
    bits: NDArray[np.int64] = _ones_by_band(first ^ second).sum(axis=1, dtype=np.int64)
    return bits


def pairs_within(
    first: NDArray[np.uint64], second: NDArray[np.uint64], radius: int
) -> Iterator[Pairs]:
    """Yield every pair ``i < j`` with ``first[i]`` and ``second[j]`` within ``radius``, once.

    Multi-index hashing (Norouzi, Punjani and Fleet, CVPR 2012): of four bands of 16 bits at least
    one differs in at most a fourth of the radius, so a band's few neighbours are looked up in a
    table of that band. Pairs come in blocks, so that memory stays bounded.
    """
    if not 0 <= radius <= LARGEST_RADIUS:
        raise ValueError(f"radius {radius}: 0 to {LARGEST_RADIUS}")
    near = radius // _BANDS
    masks = [
        sum(1 << bit for bit in bits)
        for count in range(near + 1)
        for bits in combinations(range(_BAND_BITS), count)
    ]
    bands_of_first, bands_of_second = _bands(first), _bands(second)
    for band in range(_BANDS):
        keys = bands_of_second[:, band].astype(np.int64)
        order = np.argsort(keys, kind="stable")
        starts = np.searchsorted(keys[order], np.arange(_KEYS + 1))
        for mask in masks:
            wanted = bands_of_first[:, band].astype(np.int64) ^ mask
            for left, right in _expanded(starts[wanted], starts[wanted + 1], order):
                apart = _ones_by_band(first[left] ^ second[right])
                # Where an earlier band is near, too, the pair has been found there.
                fresh = (apart[:, :band] > near).all(axis=1)
                distance = apart.sum(axis=1, dtype=np.int64)
                kept = fresh & (distance <= radius)
                if kept.any():
                    yield left[kept], right[kept], distance[kept]


def _bands(hashes: NDArray[np.uint64]) -> NDArray[np.uint16]:
    return np.ascontiguousarray(hashes).view(np.uint16).reshape(-1, _BANDS)


def _ones_by_band(bits: NDArray[np.uint64]) -> NDArray[np.uint8]:
    return _ONES[_bands(bits)]


def _expanded(
    starts: NDArray[np.int64], ends: NDArray[np.int64], order: NDArray[np.int64]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yield the pairs ``i < j`` of row ``i`` with ``order[starts[i]:ends[i]]``, in blocks."""
    counts = ends - starts
    begins = np.concatenate([[0], np.cumsum(counts)])
    row, rows = 0, len(counts)
    while row < rows:
        stop = max(int(np.searchsorted(begins, begins[row] + _BLOCK, side="right")) - 1, row + 1)
        some = counts[row:stop]
        left = np.repeat(np.arange(row, stop), some)
        inner = np.arange(begins[stop] - begins[row]) - np.repeat(begins[row:stop], some)
        right = order[np.repeat(starts[row:stop], some) + inner + begins[row]]
        ascending = left < right
        yield left[ascending], right[ascending]
        row = stop
