"""Images a few at a time, so that large ones do not fill the memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod

__all__ = ["blocks"]

_BLOCK_BYTES = 4 << 20
_MOST_IMAGES = 1024


def blocks(count: int, shape: Sequence[int]) -> Iterator[slice]:
    """Slices of ``count`` things that are about one uint8 image ``[H, W, C]`` each."""
    step = max(1, min(_MOST_IMAGES, _BLOCK_BYTES // prod(shape)))
    for start in range(0, count, step):
        yield slice(start, min(start + step, count))
