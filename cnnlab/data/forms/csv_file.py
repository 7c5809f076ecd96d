"""A CSV file of paths and labels, beside the images that it names."""

from __future__ import annotations

import errno
import hashlib
import os
from array import array
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from cnnlab.data.decoding import Survey, check_form
from cnnlab.data.forms.listing import (
    arrange_rows,
    find_files,
    is_usual_name,
    part_of_name,
)
from cnnlab.data.forms.table import Columns, Row, read_table
from cnnlab.data.inventory import MAX_TABLE_BYTES, list_images
from cnnlab.data.reading import read_bounded
from cnnlab.data.source import Allocate, Decoded, Found, PathForm, ReadOptions, SourceOptions
from cnnlab.data.tree import (
    Entry,
    file_identity,
    input_errors,
    is_folder,
    is_litter,
    open_regular,
    shown,
)
from cnnlab.data.trees import stem_of
from cnnlab.errors import DataError
from cnnlab.options import Text

__all__ = ["FORM"]

_OPTIONS: SourceOptions = {
    "file_column": Text(meaning="the column of paths, where the names do not tell"),
    "label_column": Text(meaning="the column of labels, where the names do not tell"),
    "split_column": Text(meaning="the column of parts, where the names do not tell"),
}
_SUFFIXES = (".csv", ".tsv")
#: What the system says of a path at which there can be no folder; the last, of one too long.
_NO_FOLDER = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG)


class _FolderNames:
    """The names below a folder on disk; see :class:`cnnlab.data.forms.listing.Names`."""

    def __init__(self, root: Path) -> None:
        self._root = Path(os.path.realpath(root))

    def files(self, folder: str) -> dict[str, str | None]:
        """The files in a folder; links that lead out of the root are marked."""
        place = self._root / folder
        inside = self._holds(place)
        return {
            item.name: None
            if inside and (not item.is_symlink() or self._holds(item.path))
            else "behind a link that leads out of the folder"
            for item in _items(place)
            if not is_folder(item)
        }

    def folders(self, folder: str) -> list[str]:
        """The names of the folders in a folder, sorted, litter left out."""
        items = _items(self._root / folder)
        return sorted(item.name for item in items if is_folder(item) and not is_litter(item.name))

    def _holds(self, path: str | Path) -> bool:
        return Path(os.path.realpath(path)).is_relative_to(self._root)


def _items(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with input_errors(folder), os.scandir(folder) as items:
            return list(items)
    except DataError as error:
        cause = error.__cause__
        if isinstance(cause, OSError) and cause.errno in _NO_FOLDER:
            return []
        raise


class _Listed:
    """A table's rows and their files: a tree of these files alone."""

    def __init__(self, path: Path, options: ReadOptions) -> None:
        own = options.own
        names = (own["file_column"], own["label_column"], own["split_column"])
        columns = Columns(*(str(name) if name else None for name in names))
        where = shown(path)
        part = part_of_name(stem_of(path))
        self.path = path
        self.rows: Sequence[Row] = read_table(
            read_bounded(path, limit_bytes=MAX_TABLE_BYTES), where, columns
        )
        self.files = find_files(self.rows, _FolderNames(path.parent), part)

    def entries(self) -> Iterator[Entry]:
        """Yield the files in the order of the rows; see :class:`cnnlab.data.tree.Tree`."""
        for file in self.files:
            opened = partial(open_regular, self.path.parent / file, file)
            yield Entry(file, is_folder=False, open=opened)

    def identity(self) -> dict[str, object]:
        """That of the table, and a digest of the files' sizes and times."""
        states = array("q")
        for file in self.files:
            with input_errors(self.path.parent / file):
                status = (self.path.parent / file).stat()
            states.extend((status.st_size, status.st_mtime_ns, status.st_ctime_ns))
        names = "\0".join(self.files).encode("utf-8", "surrogatepass")
        digest = hashlib.sha256(names + b"\0\0" + states.tobytes()).hexdigest()
        return {**file_identity(self.path), "files": digest}


def _recognise(path: Path) -> Found | None:
    if path.suffix.lower() in _SUFFIXES and path.is_file():
        return Found(path, {})
    return None


def _identify(found: Found, options: ReadOptions) -> Mapping[str, object]:
    return _Listed(found.path, options).identity()


def _survey(found: Found, options: ReadOptions) -> Survey:
    check_form(options)
    listed = _Listed(found.path, options)
    layout = arrange_rows(listed.rows, listed.files, shown(found.path))
    return Survey(listed, list_images(listed), layout)


def _read(found: Found, options: ReadOptions, allocate: Allocate) -> Decoded:
    return _survey(found, options).decode(options, allocate)


def _title(path: Path) -> str:
    """The table's name, or its folder's where all tables are called like this."""
    stem = stem_of(path)
    return stem_of(path.absolute().parent) if is_usual_name(stem) else stem


#: A table of files, given by its own path.
FORM = PathForm(_recognise, _read, _OPTIONS, _identify, _title, _survey)
