"""Class folders, in a folder or an archive -> arrays."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from cnnlab.data.archive import ARCHIVE_SUFFIXES
from cnnlab.data.images import (
    IMAGE_SUFFIXES,
    MAX_FILE_BYTES,
    decode_image,
    probe_image,
)
from cnnlab.data.layout import Layout, arrange, ignored_note
from cnnlab.data.source import Allocate, Decoded, ReadOptions
from cnnlab.data.tar_tree import TarTree
from cnnlab.data.tree import FolderTree, Tree, input_errors, is_litter, shown
from cnnlab.data.zip_tree import ZipTree
from cnnlab.errors import ConfigError, DataError

__all__ = ["default_image_size", "open_tree", "read_class_folders", "stem_of"]

_STEP = 32
_KEPT_UP_TO = 64
_LARGEST_DEFAULT = 512
_LARGEST = 4096
_NAMED_AT_MOST = 10
_BATCH_FILES = 64
_BATCH_BYTES = 1 << 20
#: Images that cannot be read here: to leave them out as if they were no images would be wrong.
_FOREIGN_SUFFIXES = frozenset(
    {".avif", ".cr2", ".dng", ".heic", ".heif", ".jp2", ".jxl", ".nef", ".psd"}
)


def stem_of(path: Path) -> str:
    """Return a folder's name, or an archive's without its suffix."""
    name = path.name if path.name not in ("", "..") else path.resolve().name or str(path)
    for suffix in sorted(ARCHIVE_SUFFIXES, key=len, reverse=True):
        if not path.is_dir() and name.lower().endswith(suffix) and len(name) > len(suffix):
            return name[: -len(suffix)]
    return name


def open_tree(path: Path) -> Tree:
    """Return the tree of a folder or archive that exists; raise ``DataError`` for all else."""
    if path.is_dir():
        return FolderTree(path)
    name = path.name.lower()
    if not path.is_file():
        raise DataError("neither a folder nor a file", where=shown(path))
    if name.endswith(".zip"):
        return ZipTree(path)
    if name.endswith(ARCHIVE_SUFFIXES):
        return TarTree(path)
    kind = "a single image" if path.suffix.lower() in IMAGE_SUFFIXES else "no archive known here"
    raise DataError(
        f"the file is {kind}",
        where=shown(path),
        expected=f"a folder of class folders, or one packed as {', '.join(ARCHIVE_SUFFIXES)}",
    )


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
    stock = _take_stock(tree)
    layout = arrange(tree.path, stock.images, stock.folders)
    size, channels, note = _form(stock, options, tree.path)
    images = allocate((len(layout.files), size, size, channels))
    _decode_all(tree, layout, images, stock.broken)
    if stock.broken:
        raise _broken_error(tree.path, layout, stock.broken)
    ignored = ignored_note(stock.ignored)
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


@dataclass
class _Stock:
    """What one walk through the tree found; ``broken`` says why, by path."""

    images: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    ignored: set[str] = field(default_factory=set)
    sides: list[tuple[int, int]] = field(default_factory=list)
    all_grey: bool = True
    broken: dict[str, str] = field(default_factory=dict)


def _take_stock(tree: Tree) -> _Stock:
    stock = _Stock()
    for entry in tree.entries():
        litter = _litter_of(entry.path)
        suffix = PurePosixPath(entry.path).suffix.lower()
        if litter is not None:
            stock.ignored.add(litter)
        elif entry.is_folder:
            if entry.path:
                stock.folders.append(entry.path)
        elif suffix in _FOREIGN_SUFFIXES:
            stock.images.append(entry.path)
            stock.broken[entry.path] = f"{suffix} images cannot be read; convert them"
        elif suffix not in IMAGE_SUFFIXES:
            stock.ignored.add(entry.path)
        else:
            stock.images.append(entry.path)
            try:
                with entry.open() as stream:
                    header = probe_image(stream, entry.path)
            except DataError as error:
                stock.broken[entry.path] = error.what
            else:
                stock.sides.append((header.width, header.height))
                stock.all_grey &= header.is_grey
    return stock


def _litter_of(path: str) -> str | None:
    """Return the path down to its first part that is litter; None where none is."""
    parts = path.split("/")
    for depth, name in enumerate(parts, start=1):
        if is_litter(name):
            return "/".join(parts[:depth])
    return None


def _form(stock: _Stock, options: ReadOptions, where: Path) -> tuple[int, int, str | None]:
    """Return the side and the channels of all images, and a note where many change size."""
    if not stock.sides:
        raise _broken_error(where, None, stock.broken)
    sides = np.array(stock.sides, dtype=np.int64)
    size = options.image_size or default_image_size(sides.ravel())
    channels = options.channels or (1 if stock.all_grey else 3)
    resized = int(np.count_nonzero((sides != size).any(axis=1)))
    if not resized:
        return size, channels, None
    low, high = sides.min(), sides.max()
    return (
        size,
        channels,
        (
            f"{resized:,} of {len(sides):,} images (sides {low} to {high} pixels) were resized to "
            f"{size}x{size}"
        ),
    )


def _broken_error(where: Path, layout: Layout | None, broken: dict[str, str]) -> DataError:
    paths = [path for path in layout.files if path in broken] if layout else sorted(broken)
    listed = ", ".join(f"{shown(path)} ({broken[path]})" for path in paths[:_NAMED_AT_MOST])
    more = len(paths) - _NAMED_AT_MOST
    return DataError(
        f"{len(paths):,} image file{'s' if len(paths) > 1 else ''} cannot be used: {listed}"
        + (f" and {more:,} more" if more > 0 else ""),
        where=shown(where),
        todo="mend or remove them",
    )


@dataclass
class _Batch:
    """Encoded images on their way to a decoding thread."""

    rows: list[tuple[int, str, bytes]] = field(default_factory=list)
    size_bytes: int = 0

    def add(self, row: int, path: str, data: bytes) -> bool:
        """Take one image; return whether the batch is full."""
        self.rows.append((row, path, data))
        self.size_bytes += len(data)
        return len(self.rows) >= _BATCH_FILES or self.size_bytes >= _BATCH_BYTES


def _batches(tree: Tree, layout: Layout, broken: dict[str, str]) -> Iterator[_Batch]:
    """Read the files in the tree's own order (that of an archive's bytes)."""
    rows = {path: row for row, path in enumerate(layout.files)}
    batch = _Batch()
    for entry in tree.entries():
        row = rows.get(entry.path)
        if row is None or entry.path in broken:
            continue
        try:
            with entry.open() as stream, input_errors(entry.path):
                data = stream.read(MAX_FILE_BYTES + 1)
        except DataError as error:
            broken[entry.path] = error.what
            continue
        if batch.add(row, entry.path, data):
            yield batch
            batch = _Batch()
    yield batch


def _decode_all(
    tree: Tree, layout: Layout, images: NDArray[np.uint8], broken: dict[str, str]
) -> None:
    """Fill ``images``; what cannot be decoded is added to ``broken``."""
    _, size, _, channels = images.shape

    def decode(batch: _Batch) -> None:
        for row, path, data in batch.rows:
            try:
                images[row] = decode_image(data, path, size=size, channels=channels)
            except DataError as error:
                broken[path] = error.what

    workers = min(8, os.cpu_count() or 1)
    pending: deque[Future[None]] = deque()
    pool = ThreadPoolExecutor(workers)
    try:
        for batch in _batches(tree, layout, broken):
            pending.append(pool.submit(decode, batch))
            if len(pending) > 2 * workers:  # so that memory holds a few batches only
                pending.popleft().result()
        while pending:
            pending.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
