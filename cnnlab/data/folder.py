"""Class folders, in a folder or an archive -> arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cnnlab.data.inventory import Inventory, decode_all, take_inventory
from cnnlab.data.layout import arrange, ignored_note
from cnnlab.data.source import Allocate, Decoded, ReadOptions
from cnnlab.data.tree import Tree, shown
from cnnlab.errors import ConfigError, DataError

__all__ = ["default_image_size", "read_class_folders"]

_STEP = 32
_KEPT_UP_TO = 64
_LARGEST_DEFAULT = 512
_LARGEST = 4096
_NAMED_AT_MOST = 10


def default_image_size(sides: NDArray[np.int64]) -> int:
    """Choose the side for images whose sides (all widths and heights, in pixels) are given.

    The median side, rounded to the nearest of 32, 64, 96 ... 512; but where every side is the
    same and at most 64, that side as it is.
    """
    if sides.min() == sides.max() <= _KEPT_UP_TO:
        return int(sides[0])
    nearest = int(np.floor(float(np.median(sides)) / _STEP + 0.5)) * _STEP
    return min(max(nearest, _STEP), _LARGEST_DEFAULT)


def read_class_folders(tree: Tree, options: ReadOptions, allocate: Allocate) -> Decoded:
    """Find the classes, choose size and channels, and decode every image.

    Raises :class:`DataError` for classes that do not fit together, and for image files that
    cannot be read: all of them are counted, the first ones named. ``options`` outside their
    range are a :class:`ConfigError`.
    """
    _check_options(options)
    inventory = take_inventory(tree)
    layout = arrange(tree.path, inventory.images, inventory.folders)
    if not inventory.sides:
        raise _broken_error(tree.path, layout.files, inventory.broken)
    size, channels, note = _form(inventory, options)
    images = allocate((len(layout.files), size, size, channels))
    rows = {path: row for row, path in enumerate(layout.files)}
    decode_all(tree, inventory, rows, images)
    if inventory.broken:
        raise _broken_error(tree.path, layout.files, inventory.broken)
    ignored = ignored_note(inventory.ignored)
    return Decoded(
        images=images,
        labels=np.array(layout.labels, dtype=np.int64),
        class_names=layout.class_names,
        parts=layout.parts,
        notes=(*layout.notes, *([ignored] if ignored else []), *([note] if note else [])),
    )


def _check_options(options: ReadOptions) -> None:
    if options.image_size is not None and not 1 <= options.image_size <= _LARGEST:
        raise ConfigError(
            f"image size {options.image_size}", expected=f"1 to {_LARGEST} pixels a side"
        )
    if options.channels not in (None, 1, 3, 4):
        raise ConfigError(
            f"{options.channels} channels", expected="1 (grey), 3 (colour) or 4 (with alpha)"
        )


def _form(inventory: Inventory, options: ReadOptions) -> tuple[int, int, str | None]:
    """Return the side and the channels of all images, and a note where many change size."""
    sides = np.array(inventory.sides, dtype=np.int64)
    size = options.image_size or default_image_size(sides.ravel())
    channels = options.channels or (1 if inventory.all_grey else 3)
    resized = int(np.count_nonzero((sides != size).any(axis=1)))
    if not resized:
        return size, channels, None
    between = f"{sides.min()} to {sides.max()} pixels"
    note = f"{resized:,} of {len(sides):,} images (sides {between}) are squashed to {size}x{size}"
    return size, channels, note


def _broken_error(where: Path, files: Sequence[str], broken: Mapping[str, str]) -> DataError:
    paths = [path for path in files if path in broken]
    listed = ", ".join(f"{shown(path)} ({broken[path]})" for path in paths[:_NAMED_AT_MOST])
    more = len(paths) - _NAMED_AT_MOST
    return DataError(
        f"{len(paths):,} of {len(files):,} image files cannot be used: {listed}"
        + (f" and {more:,} more" if more > 0 else ""),
        where=shown(where),
        todo="mend or remove them",
    )
