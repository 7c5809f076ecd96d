"""What image files a tree holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import BinaryIO

from cnnlab.data.images import IMAGE_SUFFIXES, ImageHeader, probe_image
from cnnlab.data.tree import Entry, Files, Tree, input_errors, is_litter, shown
from cnnlab.errors import DataError

__all__ = [
    "FOREIGN_SUFFIXES",
    "MAX_TABLE_BYTES",
    "Inventory",
    "list_images",
    "litter_of",
    "take_inventory",
]

#: Images that cannot be read here: to leave them out as if they were no images would be wrong.
FOREIGN_SUFFIXES = frozenset({".avif", ".cr2", ".dng", ".heic", ".heif", ".jp2", ".jxl", ".nef"})
#: The largest table that is read.
MAX_TABLE_BYTES = 256 << 20
#: As many bytes of files are kept in memory to spare opening and unpacking them twice.
_KEPT_BYTES = 256 << 20


@dataclass
class Inventory:
    """What one walk through a tree found.

    Attributes
    ----------
    images, folders: paths, litter left out.
    ignored: paths of litter and of files that are no images by their name.
    headers: what every image file whose header can be read says of itself, by path.
    broken: why an image file cannot be used, by path.
    encoded: the image files' bytes by path; None where they are to be read from the tree again.
    others: the bytes of the tables that were asked for, by path.
    """

    images: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    ignored: set[str] = field(default_factory=set)
    headers: dict[str, ImageHeader] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)
    encoded: dict[str, bytes] | None = field(default_factory=dict)
    others: dict[str, bytes] = field(default_factory=dict)
    _kept_bytes: int = 0
    _forms: dict[ImageHeader, ImageHeader] = field(default_factory=dict)

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
            self.headers[entry.path] = self._forms.setdefault(header, header)  # most are alike

    def keep(self, entry: Entry) -> None:
        """Take in the bytes of a table; a longer one is a :class:`DataError`."""
        with entry.open() as stream, input_errors(entry.path):
            data = stream.read(MAX_TABLE_BYTES + 1)
        if len(data) > MAX_TABLE_BYTES:
            raise DataError(
                f"the table has more than {MAX_TABLE_BYTES:,} bytes",
                where=shown(entry.path),
                todo="divide it, or move it away if it is of something else",
            )
        self.others[entry.path] = data

    def _keep(self, path: str, stream: BinaryIO) -> None:
        if self.encoded is None:
            return
        stream.seek(0)
        data = stream.read()
        self._kept_bytes += len(data)
        self.encoded[path] = data
        if self._kept_bytes > _KEPT_BYTES:
            self.encoded = None


def take_inventory(tree: Tree, wanted: Callable[[str], bool] | None = None) -> Inventory:
    """Walk through a tree once and read the headers of its images.

    Of other files those whose path is ``wanted``, tables, are read whole. Raises
    :class:`DataError` as :meth:`Inventory.keep` does, and as the tree's ``entries``.
    """
    inventory = Inventory()
    for entry in tree.entries():
        litter = litter_of(entry.path)
        suffix = PurePosixPath(entry.path).suffix.lower()
        if litter is not None:
            inventory.ignored.add(litter)
        elif entry.is_folder:
            if entry.path:
                inventory.folders.append(entry.path)
        elif suffix in IMAGE_SUFFIXES:
            inventory.probe(entry)
        elif suffix in FOREIGN_SUFFIXES:
            inventory.images.append(entry.path)
            inventory.broken[entry.path] = f"{suffix} cannot be read; convert it to JPEG or PNG"
        else:
            inventory.ignored.add(entry.path)
            if wanted is not None and wanted(entry.path):
                inventory.keep(entry)
            # An archive need not list folders; a class of text files is an empty class.
            inventory.folders += [str(parent) for parent in PurePosixPath(entry.path).parents][:-1]
    return inventory


def list_images(source: Files) -> Inventory:
    """Read the headers of a source in which every entry is an image file, whatever its name."""
    inventory = Inventory()
    for entry in source.entries():
        inventory.probe(entry)
    return inventory


def litter_of(path: str) -> str | None:
    """Return the path down to its first part that is litter; None where none is."""
    parts = path.split("/")
    for depth, name in enumerate(parts, start=1):
        if is_litter(name):
            return "/".join(parts[:depth])
    return None
