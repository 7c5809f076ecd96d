"""What every format of labelled images shares: it is opened as a user opens it, and compared.

Silently wrong is: an image more or fewer than an independent reader finds, another pixel, another
class, another part; or anything at all loaded from files of which that reader says that they are
damaged.
"""

from __future__ import annotations

import random
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cnnlab.data import Dataset, open_dataset
from fuzzing.case import Case, Family, Wrong

__all__ = ["Expected", "LabelledFamily", "Pixels", "base_pixels", "check_dataset"]

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Expected:
    """One row: its pixels, uint8 ``[H, W, C]`` (C 1, 3 or 4), its class and its part.

    ``tolerance`` is how far a value may be off, where rounding is not the format's.
    """

    pixels: Pixels
    name: str
    part: str = "train"
    tolerance: int = 0


@lru_cache(maxsize=64)
def base_pixels(number: int, side: int = 8, channels: int = 3) -> Pixels:
    """An image of its own for every number."""
    generator = np.random.default_rng([number, side, channels])
    return generator.integers(0, 256, (side, side, channels), dtype=np.uint8)


class LabelledFamily(Family):
    """Files that cnnlab opens as a dataset."""

    def use(self, folder: Path, case: Case) -> Dataset:
        return open_dataset(str(folder / case.source), offline=True)

    def judge(self, folder: Path, case: Case, made: Dataset) -> None:
        check_dataset(made, self.expected(folder, case))

    @abstractmethod
    def case(self, rng: random.Random) -> Case: ...

    @abstractmethod
    def expected(self, folder: Path, case: Case) -> Sequence[Expected]:
        """Every row in order, by a reader that is not ours.

        Raises :class:`Wrong` for files that no reader should accept.
        """


def check_dataset(dataset: Dataset, rows: Sequence[Expected]) -> None:
    """Raise :class:`Wrong` at the first difference."""
    if len(dataset) != len(rows):
        raise Wrong(f"{len(dataset)} images where there should be {len(rows)}")
    parts = [name for name, count in dataset.parts.items() for _ in range(count)]
    for index, row in enumerate(rows):
        name = dataset.class_names[int(dataset.labels[index])]
        if (name, parts[index]) != (row.name, row.part):
            raise Wrong(f"row {index} is {name!r}, {parts[index]}, not {row.name!r}, {row.part}")
        wanted = _brought_to(row.pixels, dataset.images.shape[1:])
        found = np.asarray(dataset.images[index])
        off = int(np.abs(found.astype(int) - wanted.astype(int)).max(initial=0))
        if off > row.tolerance:
            raise Wrong(f"pixels of row {index} are off by up to {off}")


def _brought_to(pixels: Pixels, shape: Sequence[int]) -> Pixels:
    """The pixels in the dataset's form, by formula; only the resize is Pillow's."""
    height, width, channels = shape
    if pixels.shape[2] == 4 and channels != 4:
        alpha = pixels[..., 3:].astype(float) / 255
        shown = pixels[..., :3] * alpha + 255 * (1 - alpha)
        pixels = np.rint(shown).astype(np.uint8)
    if pixels.shape[2] == 1 and channels == 3:
        pixels = np.repeat(pixels, 3, axis=2)
    elif pixels.shape[2] == 3 and channels == 1:
        weighed = pixels @ np.array([19595, 38470, 7471]) + 0x8000
        pixels = (weighed >> 16).astype(np.uint8)[..., None]
    if pixels.shape[:2] != (height, width):
        image = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
        resized = np.asarray(image.resize((width, height), Image.Resampling.BILINEAR))
        pixels = resized.reshape(height, width, -1)
    return pixels
