"""What reading an archive gives, or in which words it is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from class_folders import encoded, pixels

from cnnlab.data.folder import read_class_folders
from cnnlab.data.source import Decoded, ReadOptions
from cnnlab.data.trees import open_tree
from cnnlab.errors import DataError

PICTURE = encoded(pixels(0))


def read(path: Path) -> Decoded:
    return read_class_folders(
        open_tree(path), ReadOptions(), lambda shape: np.zeros(shape, np.uint8)
    )


def listing(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*"))


def refused(path: Path, *words: str) -> None:
    """Reading fails in one line with these words, and leaves no file anywhere near."""
    before = listing(path.parent)
    with pytest.raises(DataError) as caught:
        read(path)
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    for word in words:
        assert word in message, message
    assert listing(path.parent) == before
