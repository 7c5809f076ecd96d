"""Labels of a folder of IDX files that nothing names: as other forms have them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cnnlab.data.idx_folder import STEMS, decode
from cnnlab.data.source import Decoded
from cnnlab.errors import DataError

PATHS = {stem: Path("x", stem) for stem in STEMS}


def decoded(train: list[int], test: list[int]) -> Decoded:
    """What is read of files with these labels; each image's pixels are its row's number."""
    arrays = {}
    for part, labels in (("train", train), ("t10k", test)):
        rows = np.arange(len(labels), dtype=np.uint8)
        arrays[f"{part}-images"] = np.broadcast_to(rows[:, None, None], (len(labels), 2, 3))
        arrays[f"{part}-labels"] = np.array(labels, dtype=np.uint8)
    return decode(
        arrays, PATHS, lambda shape: np.zeros(shape, np.uint8), notes=("a note of the source's",)
    )


def test_labels_of_0_to_9_are_ten_classes() -> None:
    found = decoded([*range(10), *range(10)], [*range(9, -1, -1)])
    assert found.class_names == tuple("0123456789")
    assert found.labels.tolist() == [*range(10), *range(10), *range(9, -1, -1)]
    assert found.labels.dtype == np.int64
    assert found.parts == {"train": 20, "test": 10}
    assert found.images[:, 1, 2, 0].tolist() == [*range(20), *range(10)]
    assert found.notes == ("a note of the source's",)


def test_only_labels_that_occur_are_classes() -> None:
    found = decoded([10, 1, 3, 10], [3, 1])
    assert found.class_names == ("1", "3", "10")
    assert found.labels.tolist() == [2, 0, 1, 2, 1, 0]
    assert found.notes[1:] == (
        "labels are not 0 to 2: the classes are called 1, 3, 10",
        "test has no images of: 10",
    )


def test_classes_that_cannot_be_learnt_are_refused() -> None:
    with pytest.raises(DataError, match="x: only one class, '7'"):
        decoded([7, 7], [7])
    with pytest.raises(
        DataError, match="t10k-labels, index 1: class '5' is in test but not in train"
    ):
        decoded([0, 1, 2], [0, 5])
