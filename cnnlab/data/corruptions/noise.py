"""Noise: of a sensor in the dark, of few photons, of bits that flip."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from cnnlab.data.corruptions.batch import Batch, Levels
from cnnlab.data.corruptions.catalogue import corruption

__all__ = ["gaussian_noise", "impulse_noise", "shot_noise"]

#: Standard deviation, in units of the whole range.
DEVIATIONS = (0.04, 0.06, 0.08, 0.09, 0.10)
#: Photons that white stands for.
PHOTONS = (500, 250, 100, 75, 50)
#: Share of values that are lost.
LOST = (0.01, 0.02, 0.03, 0.05, 0.07)

_LEVELS = 256


@corruption("gaussian-noise", family="noise", title="Gaussian noise")
def gaussian_noise(batch: Batch, severity: int) -> Levels:
    """Add independent normal noise to every value of every channel."""
    shape = batch.images.shape
    drawn = batch.draws.normal(0, int(np.prod(shape[1:]))).reshape(shape)
    return batch.levels + np.float32(DEVIATIONS[severity - 1]) * drawn


@corruption("shot-noise", family="noise", title="Shot noise")
def shot_noise(batch: Batch, severity: int) -> Levels:
    """Replace every value by a count of photons: Poisson, with the value's own brightness.

    Counts come from the inverse of the distribution function at one uniform number a value.
    """
    shape = batch.images.shape
    photons = PHOTONS[severity - 1]
    table, starts = _distributions(photons)
    drawn = batch.draws.uniform(0, int(np.prod(shape[1:])), 0, 1).reshape(shape)
    # The functions of all levels stand in one rising table: that of level k reaches from k to k+1.
    found = np.searchsorted(table, batch.images + drawn, side="right") - starts[batch.images]
    return np.asarray(found, dtype=np.float32) / np.float32(photons)


@cache
def _distributions(photons: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """For each of 256 levels the Poisson distribution function, and where each begins."""
    from scipy.special import pdtr

    means = np.arange(_LEVELS) * photons / (_LEVELS - 1)
    most = np.ceil(means + 9 * np.sqrt(means) + 3).astype(np.int64)  # beyond: less than 1e-15
    parts = [
        level + np.append(pdtr(np.arange(last), mean), 1.0)
        for level, (mean, last) in enumerate(zip(means, most, strict=True))
    ]
    return np.concatenate(parts), np.concatenate([[0], np.cumsum(most + 1)[:-1]])


@corruption("impulse-noise", family="noise", title="Impulse noise")
def impulse_noise(batch: Batch, severity: int) -> NDArray[np.uint8]:
    """Set a share of all values, each channel by itself, to black or white: salt and pepper."""
    shape = batch.images.shape
    lost = LOST[severity - 1]
    drawn = batch.draws.uniform(0, int(np.prod(shape[1:])), 0, 1).reshape(shape)
    broken = np.where(drawn < lost / 2, np.uint8(0), np.uint8(255))
    return np.where(drawn < lost, broken, batch.images)
