"""What the answer hangs on: hide a part of the image and ask again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from cnnlab.bundle import Bundle
from cnnlab.errors import InputError
from cnnlab.explanation.checks import checked_class, checked_image

__all__ = ["UNITS", "Window", "occlusion", "window_for"]

#: What the drop is measured in: the calibrated probability, or the logit.
UNITS = ("probability", "logit")

#: Hidden images that the network gets at a time, and the bytes that they may take.
_MOST_IMAGES, _BLOCK_BYTES = 250, 32 << 20
#: A patch is so much of the image's shorter side, a stride so much of the patch.
_PARTS_OF_SIDE, _PARTS_OF_PATCH = 4, 4


@dataclass(frozen=True)
class Window:
    """What is hidden at a time: a square of ``patch`` pixels a side, moved by ``stride``."""

    patch: int
    stride: int


def window_for(height: int, width: int, patch: int | None, stride: int | None) -> Window:
    """The patch (a quarter of the shorter side) and stride (a quarter of it) for an image.

    Either may be given, in pixels. Raises :class:`InputError` for a patch that is larger than the
    image, or a stride that would leave pixels out.
    """
    side = min(height, width)
    if patch is None:
        patch = max(1, round(side / _PARTS_OF_SIDE))
    if not 1 <= patch <= side:
        raise InputError(f"{patch}", where="patch", expected=f"1 to {side} pixels")
    if stride is None:
        stride = max(1, round(patch / _PARTS_OF_PATCH))
    if not 1 <= stride <= patch:
        expected = f"1 to {patch} pixels, the patch's side, so that every pixel is hidden once"
        raise InputError(f"{stride}", where="stride", expected=expected)
    return Window(patch, stride)


def occlusion(
    bundle: Bundle,
    image: NDArray[np.uint8],
    class_index: int,
    *,
    patch: int | None = None,
    stride: int | None = None,
    unit: str = "probability",
) -> NDArray[np.float32]:
    """How much a class loses where a part of the image is hidden.

    Source: Zeiler and Fergus, "Visualizing and understanding convolutional networks", ECCV 2014,
    section 4.2. A square is moved over the image and filled with the image's own mean colour (a
    fixed grey would be an object of its own on a black background). Each pixel's value is the
    mean drop over the squares that cover it. Positive: without it the class is less likely;
    negative: it speaks against the class.

    Nothing of the network's inside is used, so this holds for any model; it costs a prediction a
    square, some 170 for a square image. Pure, as :func:`cnnlab.explanation.grad_cam` is.

    Parameters
    ----------
    image: uint8 ``[H, W, C]`` of the bundle's input shape.
    class_index: an index into ``bundle.class_names``.
    patch, stride: in pixels; see :func:`window_for`.
    unit: "probability" (at the bundle's temperature) or "logit", of which the drop is.

    Returns
    -------
    float32 ``[H, W]``.

    Raises :class:`InputError` for what is out of range.
    """
    checked_image(bundle, image)
    checked_class(bundle, class_index)
    if unit not in UNITS:
        raise InputError(f"'{unit}'", where="unit", expected=" or ".join(UNITS))
    height, width = image.shape[:2]
    window = window_for(height, width, patch, stride)
    places = list(product(_starts(height, window), _starts(width, window)))
    whole = _scores(bundle, image[None], class_index, unit)[0]
    total, covered = np.zeros((2, height, width))
    for some in _blocks(places, image.nbytes):
        drops = whole - _scores(bundle, _hidden(image, some, window.patch), class_index, unit)
        for (top, left), drop in zip(some, drops, strict=True):
            part = np.s_[top : top + window.patch, left : left + window.patch]
            total[part] += drop
            covered[part] += 1
    return (total / covered).astype(np.float32)


def _starts(length: int, window: Window) -> list[int]:
    """Where squares begin along a side; the last one ends at its end."""
    last = length - window.patch
    return [*range(0, last, window.stride), last]


def _blocks(
    places: Sequence[tuple[int, int]], image_bytes: int
) -> Iterator[Sequence[tuple[int, int]]]:
    step = max(1, min(_MOST_IMAGES, _BLOCK_BYTES // image_bytes))
    for start in range(0, len(places), step):
        yield places[start : start + step]


def _hidden(
    image: NDArray[np.uint8], places: Sequence[tuple[int, int]], patch: int
) -> NDArray[np.uint8]:
    """The image once for each place, uint8 ``[N, H, W, C]``, with the square there hidden."""
    colour = image.mean(axis=(0, 1)).round().astype(np.uint8)
    images = np.repeat(image[None], len(places), axis=0)
    for copy, (top, left) in zip(images, places, strict=True):
        copy[top : top + patch, left : left + patch] = colour
    return images


def _scores(
    bundle: Bundle, images: NDArray[np.uint8], class_index: int, unit: str
) -> NDArray[np.float64]:
    logits = bundle.logits(images)
    scores = bundle.probabilities(logits) if unit == "probability" else logits.astype(np.float64)
    return scores[:, class_index]
