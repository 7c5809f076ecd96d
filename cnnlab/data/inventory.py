"""What image files a tree holds, and decoding all of them."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from cnnlab.data.images import IMAGE_SUFFIXES, MAX_FILE_BYTES, decode_image, probe_image
from cnnlab.data.tree import Entry, Tree, input_errors, is_litter
from cnnlab.errors import DataError

__all__ = ["Inventory", "decode_all", "take_inventory"]

#: Images that cannot be read here: to leave them out as if they were no images would be wrong.
_FOREIGN_SUFFIXES = frozenset({".avif", ".cr2", ".dng", ".heic", ".heif", ".jp2", ".jxl", ".nef"})
#: As many bytes of files are kept in memory to spare opening and unpacking them twice.
_KEPT_BYTES = 256 << 20
_BATCH_FILES = 64
_BATCH_BYTES = 1 << 20


@dataclass
class Inventory:
    """What one walk through a tree found.

    Attributes
    ----------
    images, folders: paths, litter left out.
    ignored: paths of litter and of files that are no images by their name.
    sides: width and height in pixels of every image whose header can be read.
    all_grey: whether each of these is grey.
    broken: why an image file cannot be used, by path.
    encoded: the image files' bytes by path; None where they are to be read from the tree again.
    """

    images: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    ignored: set[str] = field(default_factory=set)
    sides: list[tuple[int, int]] = field(default_factory=list)
    all_grey: bool = True
    broken: dict[str, str] = field(default_factory=dict)
    encoded: dict[str, bytes] | None = field(default_factory=dict)
    _kept_bytes: int = 0

    def probe(self, entry: Entry) -> None:
        """Take an image file in by its header."""
        self.images.append(entry.path)
        try:
            with entry.open() as stream:
                header = probe_image(stream, entry.path)
                self._keep(entry.path, stream)
        except DataError as error:
            self.broken[entry.path] = error.what
        else:
            self.sides.append((header.width, header.height))
            self.all_grey &= header.is_grey

    def _keep(self, path: str, stream: BinaryIO) -> None:
        if self.encoded is None:
            return
        stream.seek(0)
        data = stream.read()
        self._kept_bytes += len(data)
        self.encoded[path] = data
        if self._kept_bytes > _KEPT_BYTES:
            self.encoded = None


def take_inventory(tree: Tree) -> Inventory:
    """Walk through a tree once and read the headers of its images."""
    inventory = Inventory()
    for entry in tree.entries():
        litter = _litter_of(entry.path)
        suffix = PurePosixPath(entry.path).suffix.lower()
        if litter is not None:
            inventory.ignored.add(litter)
        elif entry.is_folder:
            if entry.path:
                inventory.folders.append(entry.path)
        elif suffix in IMAGE_SUFFIXES:
            inventory.probe(entry)
        elif suffix in _FOREIGN_SUFFIXES:
            inventory.images.append(entry.path)
            inventory.broken[entry.path] = f"{suffix} cannot be read; convert it to JPEG or PNG"
        else:
            inventory.ignored.add(entry.path)
            # An archive need not list folders; a class of text files is an empty class.
            inventory.folders += [str(parent) for parent in PurePosixPath(entry.path).parents][:-1]
    return inventory


def _litter_of(path: str) -> str | None:
    """Return the path down to its first part that is litter; None where none is."""
    parts = path.split("/")
    for depth, name in enumerate(parts, start=1):
        if is_litter(name):
            return "/".join(parts[:depth])
    return None


def decode_all(
    tree: Tree, inventory: Inventory, rows: Mapping[str, int], images: NDArray[np.uint8]
) -> None:
    """Decode every file into its row of ``images``, uint8 ``[N, size, size, channels]``.

    ``rows`` gives the row of each path. Files that cannot be decoded are added to
    ``inventory.broken``. Decoders run outside Python's lock: threads help with large images,
    and with tiny ones they cost nothing.
    """
    _, size, _, channels = images.shape

    def decode(batch: list[tuple[str, bytes]]) -> None:
        for path, data in batch:
            try:
                images[rows[path]] = decode_image(data, path, size=size, channels=channels)
            except DataError as error:
                inventory.broken[path] = error.what

    encoded = (
        _read_again(tree, inventory, rows)
        if inventory.encoded is None
        else inventory.encoded.items()
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


def _read_again(
    tree: Tree, inventory: Inventory, rows: Mapping[str, int]
) -> Iterator[tuple[str, bytes]]:
    """Yield the files' bytes in the tree's own order (that of an archive)."""
    for entry in tree.entries():
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
