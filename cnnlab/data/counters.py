"""Random numbers as pure functions of counters: the same bytes on every machine, in any order."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["fractions", "random_bits"]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_SHIFTS = tuple(np.uint64(shift) for shift in (30, 27, 31))


def random_bits(*keys: ArrayLike) -> NDArray[np.uint64]:
    """64 random bits for each combination of whole numbers; the keys broadcast.

    Each key is mixed into the state as SplitMix64 mixes its counter (G. Steele, D. Lea,
    C. Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014).
    """
    state: NDArray[np.uint64] = np.zeros(1, dtype=np.uint64)
    with np.errstate(over="ignore"):  # arithmetic is modulo 2**64
        for key in keys:
            state = _mixed(state + np.asarray(key).astype(np.uint64) + _GOLDEN)
    return state


def _mixed(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    state = (state ^ (state >> _SHIFTS[0])) * _FIRST
    state = (state ^ (state >> _SHIFTS[1])) * _SECOND
    return state ^ (state >> _SHIFTS[2])


def fractions(*keys: ArrayLike) -> NDArray[np.float64]:
    """A number in [0, 1) for each combination of whole numbers, exact to 53 bits."""
    return (random_bits(*keys) >> np.uint64(11)).astype(np.float64) * 2.0**-53
