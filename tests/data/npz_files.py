"""Small .npz files, and what is read of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnlab.data.forms import npz
from cnnlab.data.source import Decoded, ReadOptions


def images(count: int = 12, *shape: int, seed: int = 0) -> NDArray[np.uint8]:
    shape = shape or (8, 8, 3)
    return np.random.default_rng(seed).integers(0, 256, (count, *shape), dtype=np.uint8)


def labels(count: int = 12, classes: int = 3) -> NDArray[np.int64]:
    return np.arange(count) % classes


def read(
    path: Path, *, size: int | None = None, channels: int | None = None, **own: Any
) -> Decoded:
    options = ReadOptions(size, channels, own).filled(str(path), npz.FORM.options)
    found = npz.FORM.recognise(path)
    assert found is not None
    return npz.FORM.read(found, options, lambda shape: np.full(shape, 77, np.uint8))


def written(folder: Path, **arrays: Any) -> Path:
    np.savez(folder / "mine.npz", **arrays)
    return folder / "mine.npz"
