"""What a corruption is given: some images, and random numbers that belong to each of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cnnlab.data.counters import fractions, random_bits

__all__ = ["Batch", "Draws", "Levels", "as_levels"]

#: Brightness from 0 to 1, float32.
Levels = NDArray[np.float32]

#: The image side that the paper's CIFAR parameters are for.
_SIDE = 32
_TURN = np.float32(2 * np.pi * 2.0**-32)


def as_levels(found: ArrayLike) -> Levels:
    """What was computed, as float32."""
    return np.asarray(found, dtype=np.float32)


@dataclass(frozen=True, eq=False)
class Draws:
    """Random numbers that depend on corruption, severity and image, and on nothing else.

    Attributes
    ----------
    keys: whole numbers that stand for the corruption and its severity.
    indices: int64 ``[N]``, what each image is known by.
    """

    keys: tuple[int, ...]
    indices: NDArray[np.int64]

    def uniform(self, what: int, count: int, low: float, high: float) -> NDArray[np.float64]:
        """``[N, count]`` numbers from ``low`` to ``high``; ``what`` tells a corruption's apart."""
        shares = fractions(*self.keys, self.indices[:, None], what, np.arange(count)[None, :])
        return low + (high - low) * shares

    def normal(self, what: int, count: int) -> Levels:
        """``[N, count]`` standard normal numbers, float32, two from 64 bits.

        G. Box and M. Muller's transform (Annals of Mathematical Statistics, 1958).
        """
        pairs = np.arange(-(-count // 2))[None, :]
        bits = random_bits(*self.keys, self.indices[:, None], what, pairs)
        share = ((bits >> np.uint64(32)).astype(np.float64) + 0.5) * 2.0**-32  # never 0
        radius = np.sqrt(-2 * np.log(share.astype(np.float32)))
        angle = (bits & np.uint64(0xFFFFFFFF)).astype(np.float32) * _TURN
        return np.concatenate([radius * np.cos(angle), radius * np.sin(angle)], axis=1)[:, :count]


@dataclass(frozen=True, eq=False)
class Batch:
    """Images to be corrupted.

    Attributes
    ----------
    images: uint8 ``[N, H, W, C]``, C 1 or 3.
    draws: their random numbers.
    """

    images: NDArray[np.uint8]
    draws: Draws

    @cached_property
    def levels(self) -> Levels:
        """The images as float32, 0 to 1."""
        return self.images.astype(np.float32) / np.float32(255)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.images.shape[1], self.images.shape[2]

    @property
    def scale(self) -> float:
        """What lengths in pixels are multiplied by: the shorter side in units of 32, at least 1.

        Below 32 pixels they stay as they are: a blur of less than a pixel would be none.
        """
        return max(1.0, min(self.size) / _SIDE)
