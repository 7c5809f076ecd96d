"""Image files that cannot be read or are of another kind than the rest, and empty images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cnnlab.data.images import ImageHeader
from cnnlab.evaluation.audit.blocks import blocks

__all__ = ["OddFile", "constant_rows", "odd_files"]

#: A side's ratio to the other is odd from so many times the usual one on.
_STRETCHED = 2.0
#: A size is odd from so many times the usual one on, or down.
_ODD_SIZE = 4.0


@dataclass(frozen=True)
class OddFile:
    """An image file that the others are unlike.

    Attributes
    ----------
    problem: "stretched" (its sides' ratio is twice the usual one, or half, and all become
        squares), "tiny" (its smaller side has less than half the pixels of the usual
        one, and of what networks are shown), or
        "odd size" (four times the usual side, or a quarter).
    """

    file: str
    problem: str
    width: int
    height: int


def constant_rows(images: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Rows of uint8 ``[N, H, W, C]`` in which every pixel is the same."""
    constant = np.empty(len(images), np.bool_)
    for block in blocks(len(images), images.shape[1:]):
        some = images[block]
        constant[block] = (some == some[:, :1, :1]).all(axis=(1, 2, 3))
    return np.flatnonzero(constant)


def odd_files(
    files: Sequence[str], headers: Mapping[str, ImageHeader], image_size: int
) -> list[OddFile]:
    """Name the files whose sides are odd, each once; ``image_size`` is what all are brought to."""
    known = [file for file in files if file in headers]
    if not known:
        return []
    sides = np.array([(headers[file].width, headers[file].height) for file in known], dtype=float)
    ratios, sizes = sides[:, 0] / sides[:, 1], np.sqrt(sides.prod(axis=1))
    smaller = sides.min(axis=1)
    checks = (
        ("stretched", _apart(ratios) >= _STRETCHED),
        ("tiny", smaller < min(image_size, float(np.median(smaller))) / 2),
        ("odd size", _apart(sizes) >= _ODD_SIZE),
    )
    odd: dict[str, OddFile] = {}
    for problem, found in checks:
        for place in np.flatnonzero(found):
            width, height = map(int, sides[place])
            odd.setdefault(known[place], OddFile(known[place], problem, width, height))
    return list(odd.values())


def _apart(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """How many times larger or smaller than the median each is, 1 or more."""
    times = values / np.median(values)
    return np.asarray(np.maximum(times, 1 / times))
