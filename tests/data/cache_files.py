"""Six images that are decoded, counted and kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from class_folders import pixels

from cnnlab.data.cache import CacheKey, load_or_build
from cnnlab.data.dataset import Dataset
from cnnlab.data.source import Allocate, Decoded, ReadOptions, Say, unsaid

IMAGES = np.stack([pixels(seed) for seed in range(6)])
LABELS = np.array([0, 0, 1, 1, 0, 1])
KEY = CacheKey("/some/where", {"size": 3}, ReadOptions())


class Reader:
    """Decodes the same six images, and counts how often."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, allocate: Allocate) -> Decoded:
        self.calls += 1
        images = allocate((6, 8, 8, 3))
        images[...] = IMAGES
        parts = {"train": 4, "test": 2}
        return Decoded(images, LABELS, ("cat", "dog <b>"), parts, ("a note",))


def get(read: Callable[[Allocate], Decoded], key: CacheKey = KEY, say: Say = unsaid) -> Dataset:
    return load_or_build(key, read, lambda: "Pets", say=say)


def entries(home: Path) -> list[str]:
    return sorted(path.name for path in (home / "datasets").iterdir() if path.suffix != ".lock")
