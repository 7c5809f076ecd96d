"""Rows of numbers, as scikit-learn has them, and the images that they stand for."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnlab.data.images import fit_pixels

__all__ = ["checked_range", "fit_each", "image_shape_for", "range_of", "to_pixels"]

_CHANNELS = (1, 3, 4)
_WHITE = 255


def image_shape_for(asked: object, features: int) -> tuple[int, int, int]:
    """The (height, width, channels) of images whose numbers are ``features``.

    ``asked`` None: n x n grey where the features are n^2, n x n colour where they are 3 n^2, else
    one row of grey pixels. Never more than one of these fits. Raises ``ValueError`` for what is no
    image's shape, or of another number of features.
    """
    if asked is None:
        grey, colour = math.isqrt(features), math.isqrt(features // 3)
        if grey * grey == features:
            return grey, grey, 1
        return (colour, colour, 3) if 3 * colour * colour == features else (1, features, 1)
    shape = tuple(asked) if isinstance(asked, list | tuple) else ()
    shape = (*shape, 1) if len(shape) == 2 else shape
    sound = len(shape) == 3 and all(isinstance(size, int | np.integer) for size in shape)
    if not sound or min(shape) < 1 or shape[2] not in _CHANNELS:
        raise ValueError(
            f"image_shape is {asked!r}; expected (height, width) or (height, width, channels), "
            "channels being 1, 3 or 4"
        )
    if math.prod(shape) != features:
        raise ValueError(
            f"image_shape {asked!r} has {math.prod(shape):,} numbers, but X has {features:,} "
            "features; expected as many, in the order of rows, columns, channels"
        )
    height, width, channels = map(int, shape)
    return height, width, channels


def checked_range(asked: object) -> tuple[float, float] | None:
    """The values of black and white; None: to be taken from X. Raises ``ValueError``."""
    if asked is None:
        return None
    try:
        low, high = map(float, asked)  # type: ignore[call-overload] # that is what is tried
    except (TypeError, ValueError):
        low, high = math.nan, math.nan
    if not (low < high and math.isfinite(high - low)):
        raise ValueError(
            f"value_range is {asked!r}; expected the values of black and white, such as (0, 255), "
            "or None to take the least and greatest value of the training images"
        )
    return low, high


def range_of(values: NDArray[Any]) -> tuple[float, float]:
    """The least and the greatest value; one apart where they are the same."""
    low, high = float(values.min()), float(values.max())
    return (low, high) if low < high else (low, low + 1.0)


def to_pixels(
    rows: NDArray[Any],
    shape: tuple[int, int, int],
    span: tuple[float, float],
    *,
    clip: bool,
) -> NDArray[np.uint8]:
    """Numbers ``[N, H*W*C]`` -> uint8 ``[N, H, W, C]``: ``span`` becomes 0 to 255, rounded.

    What lies outside is set to the nearer end where ``clip``, else it is a ``ValueError`` that says
    what to do.
    """
    images = rows.reshape(-1, *shape)
    low, high = span
    if images.dtype == np.uint8 and span == (0.0, float(_WHITE)):
        return np.ascontiguousarray(images)
    least, greatest = float(images.min()), float(images.max())
    # Nearer to an end than half a level, as a scaler's rounding leaves it, is that end.
    slack = (high - low) / (2 * _WHITE)
    if not clip and not low - slack <= least <= greatest <= high + slack:
        raise ValueError(
            f"the values of X reach from {least:g} to {greatest:g}; expected {low:g} (black) to "
            f"{high:g} (white): set value_range to the range that yours have, or to None"
        )
    # In float64 and on a part at a time: X may be large, and float32 would round at the halves.
    pixels = np.empty(images.shape, dtype=np.uint8)
    for start in range(0, len(images), 1024):
        block = images[start : start + 1024].astype(np.float64)
        share = (np.clip(block, low, high) - low) / (high - low)
        pixels[start : start + 1024] = np.rint(share * _WHITE)
    return pixels


def fit_each(images: NDArray[np.uint8], shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    """Bring uint8 ``[N, H, W, C]`` to a network's (height, width, channels).

    They differ where settings ask for another size or colour mode; training's images came to it
    the same way.
    """
    if images.shape[1:] == shape:
        return images
    height, width, channels = shape
    return np.stack(
        [fit_pixels(image, height=height, width=width, channels=channels) for image in images]
    )
