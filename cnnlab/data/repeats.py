"""Images that stand more than once, byte for byte: a test that repeats training is no test."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from cnnlab.data.dataset import PARTS

__all__ = ["digests_of", "repeat_notes"]


def digests_of(images: NDArray[np.uint8], rows: Iterable[int]) -> Iterator[bytes]:
    """Yield a digest of the bytes of each of the rows of uint8 ``[N, H, W, C]``."""
    for row in rows:
        yield hashlib.blake2b(images[row].tobytes(), digest_size=16).digest()


def repeat_notes(images: NDArray[np.uint8], parts: Mapping[str, int]) -> list[str]:
    """Say how many images of a part are copies of one before it, in the same part or another.

    ``images`` is uint8 ``[N, H, W, C]``, ``parts`` the rows a part, in the order of ``PARTS``.
    """
    first_place: dict[bytes, str] = {}
    copies: Counter[tuple[str, str]] = Counter()
    row = 0
    for part in (name for name in PARTS if parts.get(name)):
        for digest in digests_of(images, range(row, row + parts[part])):
            if digest in first_place:
                copies[part, first_place[digest]] += 1
            first_place.setdefault(digest, part)
        row += parts[part]
    return [
        f"{count} of {parts[part]} {part} images are exact copies of "
        + (f"other {part} images" if other == part else f"{other} images")
        for (part, other), count in copies.items()
    ]
