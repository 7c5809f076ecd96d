"""Class folders read as the cache has them read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cnnlab.data.folder import read_class_folders
from cnnlab.data.source import Decoded, ReadOptions
from cnnlab.data.trees import open_tree


def read(path: Path, **options: int) -> Decoded:
    """The images of a folder or archive, decoded into memory."""

    def allocate(shape: tuple[int, int, int, int]) -> NDArray[np.uint8]:
        return np.zeros(shape, np.uint8)

    return read_class_folders(open_tree(path), ReadOptions(**options), allocate)
