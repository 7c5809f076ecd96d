"""A tree of files, be it a folder or an archive: what is common to both, and the folder."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import BinaryIO, Protocol

from cnnlab.errors import DataError

__all__ = [
    "Entry",
    "Files",
    "FolderTree",
    "Tree",
    "file_identity",
    "folder_entry",
    "input_errors",
    "is_folder",
    "is_litter",
    "listed",
    "open_regular",
    "shown",
]

_LITTER = frozenset(
    {
        "__macosx",
        "thumbs.db",
        "desktop.ini",
        "@eadir",
        "$recycle.bin",
        "system volume information",
        "lost+found",
    }
)
_NAMED_AT_MOST = 10


@dataclass(frozen=True)
class Entry:
    """A file or folder of a tree.

    Attributes
    ----------
    path: relative to the tree's root, separated by "/".
    open: gives a seekable stream of the file's bytes; valid until the next entry is asked for.
        Raises :class:`DataError` for what may not or cannot be read.
    """

    path: str
    is_folder: bool
    open: Callable[[], BinaryIO]


class Files(Protocol):
    """Files that come from one place."""

    @property
    def path(self) -> Path:
        """The folder, archive or other file itself."""

    def entries(self) -> Iterator[Entry]:
        """Every file and folder, in any order, each once; of litter at least the topmost entry.

        Raises :class:`DataError` where the tree as a whole cannot be trusted or read.
        """


class Tree(Files, Protocol):
    """Files below one root."""

    def identity(self) -> dict[str, object]:
        """What changes when any of the files changes, found without reading them."""


def is_litter(name: str) -> bool:
    """Whether a file or folder of this name is hidden or is what systems leave behind."""
    return name.startswith(".") or name.lower() in _LITTER


def shown(text: object) -> str:
    r"""Return a name as it can be printed: bytes that are no UTF-8 become ``\udcXX``."""
    return str(text).encode("utf-8", "backslashreplace").decode()


def listed(names: Sequence[str]) -> str:
    """Return the first of many names, and how many more there are."""
    more = len(names) - _NAMED_AT_MOST
    text = ", ".join(shown(name) for name in names[:_NAMED_AT_MOST])
    return f"{text} and {more:,} more" if more > 0 else text


@contextmanager
def input_errors(where: object) -> Iterator[None]:
    """Turn what the operating system says of the user's files into a :class:`DataError`."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error) or type(error).__name__
        raise DataError(f"cannot be read: {reason.lower()}", where=shown(where)) from error


def file_identity(path: Path) -> dict[str, object]:
    """Path, size, times and inode: they change when somebody writes to the file."""
    with input_errors(path):
        status = path.stat()
    return {
        "path": shown(path.absolute()),
        "size": status.st_size,
        "mtime_ns": status.st_mtime_ns,
        "ctime_ns": status.st_ctime_ns,
        "inode": status.st_ino,
    }


def is_folder(item: os.DirEntry[str]) -> bool:
    """Whether it is a folder or a link to one; a link that leads round in a circle is none."""
    try:
        return item.is_dir()
    except OSError as error:
        if error.errno == errno.ELOOP:
            return False
        raise DataError(f"cannot be read: {error.strerror}", where=shown(item.path)) from error


def _no_stream() -> BinaryIO:
    raise IsADirectoryError("a folder has no bytes")


def folder_entry(path: str) -> Entry:
    """An entry for a folder."""
    return Entry(path, is_folder=True, open=_no_stream)


def open_regular(path: str | Path, where: object) -> BinaryIO:
    """Open a regular file; anything else, and what cannot be read, is a :class:`DataError`."""
    with input_errors(where):
        # Without O_NONBLOCK a named pipe would be waited for.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            return os.fdopen(descriptor, "rb")
        os.close(descriptor)
    raise DataError("not a regular file", where=shown(where))


def _state_of(item: os.DirEntry[str]) -> tuple[int, ...]:
    """Numbers that change when a file is written to; of litter and others their kind.

    Those of a link to a file change also when it is made to lead elsewhere.
    """
    if is_litter(item.name):
        return (-1, 0, 0)
    status = item.stat(follow_symlinks=False)
    if stat.S_ISREG(status.st_mode):
        return (status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    target = _target_of(item) if stat.S_ISLNK(status.st_mode) else None
    if target is None:
        return (-2, stat.S_IFMT(status.st_mode), 0)
    return (target.st_size, target.st_mtime_ns, target.st_ctime_ns, status.st_ctime_ns)


def _target_of(link: os.DirEntry[str]) -> os.stat_result | None:
    """What a link leads to; None where that is no file, or cannot be looked at."""
    try:
        status = link.stat()
    except OSError:  # dangling, or round in a circle: reading it will say so
        return None
    return status if stat.S_ISREG(status.st_mode) else None


class FolderTree:
    """A folder on disk.

    Litter is named, but not looked into. Symbolic links to files inside the folder are followed;
    a link that leads out of it cannot be opened, and a link to a folder is refused.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._root = Path(os.path.realpath(path))

    def entries(self) -> Iterator[Entry]:
        """Yield every file and folder; see :class:`Tree`."""
        for prefix, items in self._walk():
            for item in items:
                relative = prefix + item.name
                if self._is_folder(relative, item):
                    yield folder_entry(relative)
                else:
                    yield Entry(relative, is_folder=False, open=self._opener(relative, item))

    def identity(self) -> dict[str, object]:
        """Digest the sorted listing with sizes and times (of litter the names alone)."""
        digest = hashlib.sha256()
        for prefix, items in self._walk():
            states = array("q")
            with input_errors(self.path / prefix):
                for item in items:
                    states.extend(_state_of(item))
            names = "\0".join([prefix, *(item.name for item in items)])
            digest.update(names.encode("utf-8", "surrogatepass") + b"\0\0" + states.tobytes())
        return {"path": shown(self._root), "listing": digest.hexdigest()}

    def _walk(self) -> Iterator[tuple[str, list[os.DirEntry[str]]]]:
        """Yield each folder's path (ending in "/", or empty) and what lies in it, sorted."""
        pending = [""]
        while pending:
            prefix = pending.pop()
            with input_errors(self.path / prefix), os.scandir(self._root / prefix) as listing:
                items = sorted(listing, key=attrgetter("name"))
            yield prefix, items
            pending += [
                f"{prefix}{item.name}/"
                for item in items
                if item.is_dir(follow_symlinks=False) and not is_litter(item.name)
            ]

    def _is_folder(self, relative: str, item: os.DirEntry[str]) -> bool:
        if not item.is_symlink() or is_litter(item.name):
            return item.is_dir(follow_symlinks=False)
        if is_folder(item):
            raise DataError(
                "a symbolic link to a folder is not followed",
                where=shown(self.path / relative),
                todo="put the folder itself there, or remove the link",
            )
        return False

    def _opener(self, relative: str, item: os.DirEntry[str]) -> Callable[[], BinaryIO]:
        def stream() -> BinaryIO:
            path = item.path
            if item.is_symlink():
                path = os.path.realpath(path)
                if not Path(path).is_relative_to(self._root):
                    raise DataError("a link that leads out of the folder", where=shown(relative))
            return open_regular(path, relative)

        return stream
