"""The image files of a source that belong to a dataset -> arrays of one size and colour mode."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cnnlab.data.images import MAX_FILE_BYTES, decode_image
from cnnlab.data.inventory import Inventory
from cnnlab.data.layout import Layout
from cnnlab.data.source import Allocate, Decoded, ReadOptions
from cnnlab.data.tree import Files, input_errors, shown
from cnnlab.errors import ConfigError, DataError

__all__ = ["Survey", "check_form", "decode_layout", "default_image_size"]

_STEP = 32
#: Networks here are for small images; a step costs by the pixel.
_LARGEST_DEFAULT = 64
_LARGEST = 4096
_NAMED_AT_MOST = 10
_BATCH_FILES = 64
_BATCH_BYTES = 1 << 20
#: The side at which files are decoded only to see whether they can be.
_SCRATCH = 8


def default_image_size(sides: NDArray[np.int64]) -> int:
    """Choose the side for images whose sides (all widths and heights, in pixels) are given.

    Where every side is the same and at most 64, that side as it is; else 32 or 64, whichever is
    nearer to the median side.
    """
    if sides.min() == sides.max() <= _LARGEST_DEFAULT:
        return int(sides[0])
    nearest = int(np.floor(float(np.median(sides)) / _STEP + 0.5)) * _STEP
    return min(max(nearest, _STEP), _LARGEST_DEFAULT)


def decode_layout(
    source: Files, inventory: Inventory, layout: Layout, options: ReadOptions, allocate: Allocate
) -> Decoded:
    """Choose size and channels, and decode the image file of every row.

    Parameters
    ----------
    inventory: of the source; it may hold more files than the layout.
    options: size and channels, checked by :func:`check_form`.

    Raises :class:`DataError` for image files that cannot be read: all of them are counted, the
    first ones named.
    """
    rows = {path: row for row, path in enumerate(layout.files)}
    if not any(path in inventory.headers for path in rows):
        raise _broken_error(source.path, layout.files, inventory.broken)
    size, channels, note = _form(inventory, layout.files, options)
    images = allocate((len(layout.files), size, size, channels))
    _decode_all(source, inventory, rows, images)
    if any(path in inventory.broken for path in rows):
        raise _broken_error(source.path, layout.files, inventory.broken)
    return Decoded(
        images=images,
        labels=np.array(layout.labels, dtype=np.int64),
        class_names=layout.class_names,
        parts=layout.parts,
        notes=(*layout.notes, *([note] if note else [])),
    )


@dataclass(frozen=True, eq=False)
class Survey:
    """Image files and what they are to be, before any is decoded.

    Attributes
    ----------
    source: where the files' bytes come from.
    inventory: their headers, and what is broken.
    layout: the file, label and part of each row.
    """

    source: Files
    inventory: Inventory
    layout: Layout

    def decode(self, options: ReadOptions, allocate: Allocate) -> Decoded:
        """As :func:`decode_layout`."""
        return decode_layout(self.source, self.inventory, self.layout, options, allocate)

    def broken(self) -> dict[str, str]:
        """Try every file; return why each that cannot be used cannot, in the order of rows."""
        files = self.layout.files
        scratch = np.empty((len(files), _SCRATCH, _SCRATCH, 3), dtype=np.uint8)
        rows = {path: row for row, path in enumerate(files)}
        _decode_all(self.source, self.inventory, rows, scratch)
        broken = self.inventory.broken
        return {path: broken[path] for path in files if path in broken}

    def sound(self) -> Survey:
        """Without the files that are known to be broken."""
        kept = self.layout.without(self.inventory.broken.keys())
        return replace(self, layout=kept)


def check_form(options: ReadOptions) -> None:
    """Raise :class:`ConfigError` for a size or a number of channels that nothing can have."""
    if options.image_size is not None and not 1 <= options.image_size <= _LARGEST:
        raise ConfigError(
            f"image size {options.image_size}", expected=f"1 to {_LARGEST} pixels a side"
        )
    if options.channels not in (None, 1, 3, 4):
        raise ConfigError(
            f"{options.channels} channels", expected="1 (grey), 3 (colour) or 4 (with alpha)"
        )


def _form(
    inventory: Inventory, files: Iterable[str], options: ReadOptions
) -> tuple[int, int, str | None]:
    """Return the side and the channels of all images, and a note where many change size."""
    headers = [inventory.headers[path] for path in files if path in inventory.headers]
    sides = np.array([(header.width, header.height) for header in headers], dtype=np.int64)
    size = options.image_size or default_image_size(sides.ravel())
    channels = options.channels or (1 if all(header.is_grey for header in headers) else 3)
    resized = int(np.count_nonzero((sides != size).any(axis=1)))
    if not resized:
        return size, channels, None
    between = f"{sides.min()} to {sides.max()} pixels"
    note = f"{resized:,} of {len(sides):,} images (sides {between}) are squashed to {size}x{size}"
    if not options.image_size:
        note += "; --image-size asks for another side"
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


def _decode_all(
    source: Files, inventory: Inventory, rows: Mapping[str, int], images: NDArray[np.uint8]
) -> None:
    """Decode every file into its row of ``images``, uint8 ``[N, size, size, channels]``.

    ``rows`` gives the row of each path. Files that cannot be decoded are added to
    ``inventory.broken``. Decoders run outside Python's lock: threads help with large images,
    and with tiny ones they cost nothing.
    """
    _, size, _, channels = images.shape

    missing = set(rows)

    def decode(batch: list[tuple[str, bytes]]) -> None:
        for path, data in batch:
            missing.discard(path)
            try:
                images[rows[path]] = decode_image(data, path, size=size, channels=channels)
            except DataError as error:
                inventory.broken[path] = error.what

    encoded = (
        _read_again(source, inventory, rows)
        if inventory.encoded is None
        else ((path, data) for path, data in inventory.encoded.items() if path in rows)
    )
    workers = min(8, os.cpu_count() or 1)
    pending: deque[Future[None]] = deque()
    pool = ThreadPoolExecutor(workers)
    try:
        for batch in _batches(encoded):
            pending.append(pool.submit(decode, batch))
            if len(pending) > 2 * workers:  # so that memory holds a few batches only
                pending.popleft().result()
        while pending:
            pending.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
    for path in missing - inventory.broken.keys():
        inventory.broken[path] = "it is not there any more"


def _read_again(
    source: Files, inventory: Inventory, rows: Mapping[str, int]
) -> Iterator[tuple[str, bytes]]:
    """Yield the files' bytes in the source's own order (that of an archive)."""
    for entry in source.entries():
        if entry.path not in rows or entry.path in inventory.broken:
            continue
        try:
            with entry.open() as stream, input_errors(entry.path):
                data = stream.read(MAX_FILE_BYTES + 1)
        except DataError as error:
            inventory.broken[entry.path] = error.what
        else:
            yield entry.path, data


def _batches(files: Iterable[tuple[str, bytes]]) -> Iterator[list[tuple[str, bytes]]]:
    """Group files so that handing them to a thread costs little beside decoding them."""
    batch: list[tuple[str, bytes]] = []
    size_bytes = 0
    for path, data in files:
        batch.append((path, data))
        size_bytes += len(data)
        if len(batch) >= _BATCH_FILES or size_bytes >= _BATCH_BYTES:
            yield batch
            batch, size_bytes = [], 0
    if batch:
        yield batch
