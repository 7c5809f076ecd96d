"""Whether two images show the same picture: do their details lie in the same places?"""

from __future__ import annotations

from math import prod

import numpy as np
from numpy.typing import NDArray

from cnnlab.evaluation.audit.blocks import blocks
from cnnlab.evaluation.audit.hashing import grey_of, resampling

__all__ = ["WORTH_A_LOOK", "likeness_of"]

#: Larger images are averaged to this side first; smaller ones stay as they are.
_SIDE = 32
#: Pictures may be shifted by so many pixels each way against each other.
_SHIFT = 2
#: Two versions of a picture, cut differently, correlate at least so much.
WORTH_A_LOOK = 0.5
#: What is added to variances, so that flat images are like nothing.
_NOTHING = 1e-6


def likeness_of(
    images: NDArray[np.uint8],
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    mirrored: NDArray[np.bool_],
    *,
    least_alike: float = WORTH_A_LOOK,
) -> NDArray[np.float64]:
    """How alike the pairs are, -1 to 1; float64 ``[K]``.

    The correlation of both images' details (the grey image less its 3x3 mean), the largest over
    shifts of up to two pixels. Unlike that of the pixels themselves it is low for two pictures of
    the same kind with the same layout, and high for two versions of one photograph, be one
    brighter, recompressed or cut a little differently. Pairs whose pixels hardly correlate are
    not looked at more closely: their likeness is 0.

    Parameters
    ----------
    images: uint8 ``[N, H, W, C]``.
    first, second: rows of the pairs, int64 ``[K]``.
    mirrored: bool ``[K]``, whether the second image is to be turned left to right.
    least_alike: the correlation of the pixels from which details are looked at; -1: always.
    """
    found = np.empty(len(first), dtype=np.float64)
    for block in blocks(len(first), images.shape[1:]):
        left, right = _small(images[first[block]]), _small(images[second[block]])
        turned = mirrored[block]
        right[turned] = right[turned, :, ::-1]
        alike = np.einsum("np,np->n", _standard(left), _standard(right))
        close = np.flatnonzero(alike >= least_alike)
        found[block] = 0.0
        found[block.start + close] = _best_correlation(
            _details(left[close]), _details(right[close])
        )
    return found


def _small(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The grey image, at most 32 pixels high and wide: float32 ``[N, h, w]``."""
    grey = grey_of(images)
    height, width = grey.shape[1:]
    if height > _SIDE:
        grey = resampling(height, _SIDE) @ grey
    if width > _SIDE:
        grey = grey @ resampling(width, _SIDE).T
    return grey


def _details(grey: NDArray[np.float32]) -> NDArray[np.float32]:
    """What stands out of its surroundings, float32 ``[N, h, w]``."""
    height, width = grey.shape[1:]
    padded = np.pad(grey, ((0, 0), (1, 1), (1, 1)), mode="edge")
    lines = padded[:, :height] + padded[:, 1 : height + 1] + padded[:, 2:]
    means = lines[..., :width] + lines[..., 1 : width + 1] + lines[..., 2:]
    details: NDArray[np.float32] = grey - means / 9
    return details


def _best_correlation(left: NDArray[np.float32], right: NDArray[np.float32]) -> NDArray[np.float64]:
    """Correlate the middle of the left images with each place that it can have in the right."""
    height, width = left.shape[1:]
    down, across = (min(_SHIFT, (side - 1) // 4) for side in (height, width))
    middle = _standard(left[:, down : height - down, across : width - across])
    best = np.full(len(left), -1.0)
    for top in range(2 * down + 1):
        for start in range(2 * across + 1):
            part = right[:, top : top + height - 2 * down, start : start + width - 2 * across]
            best = np.maximum(best, np.einsum("np,np->n", middle, _standard(part)))
    return np.asarray(np.minimum(best, 1.0), dtype=np.float64)


def _standard(parts: NDArray[np.float32]) -> NDArray[np.float32]:
    """Each part as a vector of mean 0 and length 1."""
    flat = parts.reshape(len(parts), prod(parts.shape[1:]))  # -1 has no answer for no parts
    flat = flat - flat.mean(axis=1, keepdims=True)
    scale: NDArray[np.float32] = np.sqrt((flat**2).sum(axis=1, keepdims=True) + _NOTHING)
    return np.asarray(flat / scale, dtype=np.float32)
