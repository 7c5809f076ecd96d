"""What every source of images becomes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cnnlab.errors import DataError
from cnnlab.tables import ShownAsText, printable

__all__ = ["PARTS", "Dataset", "fingerprint_of"]

#: The parts that a source may come divided into, in the order of their rows.
PARTS = ("train", "validation", "test")

_MODES = {1: "grey", 3: "colour", 4: "colour with alpha"}
_MOST_NAMES = 20


@dataclass(frozen=True, eq=False)
class Dataset(ShownAsText):
    """Labelled images of one size, at rest.

    Attributes
    ----------
    name: what reports call it, e.g. "CIFAR-10".
    images: uint8 ``[N, H, W, C]``, usually memory-mapped and read-only.
    labels: int64 ``[N]``, indices into ``class_names``.
    class_names: one name a class, in label order.
    parts: rows a part that the source itself defines, in the order of ``PARTS``; the rows of a
        part are contiguous, e.g. ``{"train": 50000, "test": 10000}``. A source without a
        division has ``{"train": N}``.
    fingerprint: SHA-256 over shape, pixels, labels and class names.
    origin: where it came from, in words (path or package), for people to read.
    notes: what a user should know about how it was read (ignored files, resizing ...).
    """

    name: str
    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    class_names: tuple[str, ...]
    parts: Mapping[str, int]
    fingerprint: str
    origin: str = ""
    notes: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        if self.images.ndim != 4 or self.images.dtype != np.uint8:
            raise DataError(
                f"images are {self.images.dtype} {list(self.images.shape)}",
                where=self.name,
                expected="uint8 [N, H, W, C]",
            )
        if len(self.labels) != len(self.images):
            raise DataError(
                f"{len(self.labels)} labels for {len(self.images)} images", where=self.name
            )
        if sum(self.parts.values()) != len(self.images) or set(self.parts) - set(PARTS):
            raise DataError(f"parts {dict(self.parts)} do not add up", where=self.name)
        outside = np.flatnonzero((self.labels < 0) | (self.labels >= len(self.class_names)))
        if outside.size:
            raise DataError(
                f"label {self.labels[outside[0]]} at index {outside[0]}",
                where=self.name,
                expected=f"0 to {len(self.class_names) - 1}",
            )

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and channels."""
        height, width, channels = self.images.shape[1:]
        return int(height), int(width), int(channels)

    def to_text(self) -> str:
        """What it holds, in a few lines; ``cnnlab.dataset_card`` says more."""
        height, width, channels = self.image_shape
        parts = ", ".join(f"{count:,} {part}" for part, count in self.parts.items())
        names = ", ".join(map(printable, self.class_names[:_MOST_NAMES]))
        more = " ..." if len(self.class_names) > _MOST_NAMES else ""
        return (
            f"{printable(self.name)}: {len(self):,} images ({parts})\n"
            f"  {height}x{width} pixels, {_MODES.get(channels, f'{channels} channels')}\n"
            f"  {len(self.class_names)} classes: {names}{more}\n"
            f"  fingerprint {self.fingerprint[:12]}"
        )

    def rows_of(self, part: str) -> NDArray[np.int64]:
        """Row indices of a part that the source itself defines (empty where it has none)."""
        start = 0
        for name in PARTS:
            count = self.parts.get(name, 0)
            if name == part:
                return np.arange(start, start + count, dtype=np.int64)
            start += count
        raise ValueError(f"no part is called {part!r}")


def fingerprint_of(
    images: NDArray[np.uint8], labels: NDArray[np.int64], class_names: tuple[str, ...]
) -> str:
    """SHA-256 over shape, pixels, labels and class names: the identity of the content."""
    digest = hashlib.sha256(repr((images.shape, class_names)).encode())
    for start in range(0, len(images), 4096):
        digest.update(np.ascontiguousarray(images[start : start + 4096]).data)
    digest.update(np.ascontiguousarray(labels, dtype="<i8").data)
    return digest.hexdigest()
