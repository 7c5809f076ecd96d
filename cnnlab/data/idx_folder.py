"""A folder with the four IDX files of MNIST and its kin: images and labels of train and test."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cnnlab.data.labels import Labelled, check_parts, label_numbers
from cnnlab.data.reading import check_labels, read_errors
from cnnlab.data.source import Allocate, Decoded, Found
from cnnlab.data.tree import shown
from cnnlab.errors import DataError

__all__ = ["STEMS", "all_present", "archive_name", "decode", "found_in", "present"]

#: What begins and what ends the names of the files: images, labels of train; then of test.
STEMS = {
    "train-images": "idx3-ubyte",
    "train-labels": "idx1-ubyte",
    "t10k-images": "idx3-ubyte",
    "t10k-labels": "idx1-ubyte",
}


def archive_name(stem: str) -> str:
    """Return the name of a file as it is published, compressed."""
    return f"{stem}-{STEMS[stem]}.gz"


def present(folder: Path) -> dict[str, Path]:
    """Return which of the four files a folder has, under any of their names.

    They may be compressed; some tools unpack them with a dot before "idx". Where a file is there
    both ways, the unpacked one is taken.
    """
    with read_errors(folder):
        return {
            stem: path
            for stem, kind in STEMS.items()
            for suffix in (".gz", "")
            for joint in ".-"
            if (path := folder / f"{stem}{joint}{kind}{suffix}").is_file()
        }


def all_present(folder: Path) -> dict[str, Path]:
    """Return the four files; one that is missing is a :class:`DataError`."""
    paths = present(folder)
    for stem in STEMS:
        if stem not in paths:
            raise DataError("no such file", where=folder / archive_name(stem))
    return paths


def found_in(folder: Path) -> Found:
    """Describe the files that are there by their sizes and times."""
    with read_errors(folder):
        states = {path.name: path.stat() for path in present(folder).values()}
    return Found(
        folder, {name: [state.st_size, state.st_mtime_ns] for name, state in states.items()}
    )


def decode(
    arrays: Mapping[str, NDArray[np.uint8]],
    paths: Mapping[str, Path],
    allocate: Allocate,
    *,
    class_names: tuple[str, ...] | None = None,
    notes: tuple[str, ...] = (),
) -> Decoded:
    """Join train and test into uint8 ``[N, H, W, 1]``.

    Parameters
    ----------
    arrays, paths: what each file holds and where it lies, by its stem.
    class_names: None: nothing says what the labels mean, so every number that occurs is a class
        and is called so.

    Raises
    ------
    DataError: counts, sizes or labels do not fit, or some class cannot be learnt; names the file
        (and index).
    """
    _check_shapes(arrays, paths)
    train, _, test, _ = (arrays[stem] for stem in STEMS)
    parts = {"train": len(train), "test": len(test)}
    labelled = _labelled(arrays, paths, parts, class_names)
    images = allocate((len(labelled.labels), int(train.shape[1]), int(train.shape[2]), 1))
    images[: len(train), ..., 0] = train
    images[len(train) :, ..., 0] = test
    return Decoded(
        images=images,
        labels=labelled.labels,
        class_names=labelled.class_names,
        parts=parts,
        notes=(*notes, *labelled.notes),
    )


def _labelled(
    arrays: Mapping[str, NDArray[np.uint8]],
    paths: Mapping[str, Path],
    parts: Mapping[str, int],
    class_names: tuple[str, ...] | None,
) -> Labelled:
    """The labels of train, then those of test."""
    stems = ("train-labels", "t10k-labels")
    if class_names is not None:
        for stem in stems:
            check_labels(arrays[stem], len(class_names), paths[stem])
    labels = np.concatenate([arrays[stem] for stem in stems])

    def place(row: int) -> str:
        first = parts["train"]
        path, index = (paths[stems[0]], row) if row < first else (paths[stems[1]], row - first)
        return shown(f"{path}, index {index}")

    where = shown(paths[stems[0]].parent)
    return check_parts(label_numbers(labels, place, class_names), parts, place, where)


def _check_shapes(arrays: Mapping[str, NDArray[np.uint8]], paths: Mapping[str, Path]) -> None:
    for part in ("train", "t10k"):
        _check_part(arrays, paths, part)
    train, test = (list(arrays[f"{part}-images"].shape[1:]) for part in ("train", "t10k"))
    if train != test:
        raise DataError(
            f"images of {test} pixels",
            where=paths["t10k-images"],
            expected=f"{train} as in train",
        )


def _check_part(
    arrays: Mapping[str, NDArray[np.uint8]], paths: Mapping[str, Path], part: str
) -> None:
    images, labels = arrays[f"{part}-images"], arrays[f"{part}-labels"]
    if images.ndim != 3 or 0 in images.shape:
        raise DataError(
            f"an array of shape {list(images.shape)}",
            where=paths[f"{part}-images"],
            expected="images [N, H, W]",
        )
    if labels.ndim != 1 or len(labels) != len(images):
        raise DataError(
            f"labels of shape {list(labels.shape)} for {len(images):,} images",
            where=paths[f"{part}-labels"],
            expected=f"[{len(images)}]",
        )
