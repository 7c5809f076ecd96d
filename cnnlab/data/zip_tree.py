"""Class folders packed as .zip."""

from __future__ import annotations

import io
import lzma
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from cnnlab.data.archive import Census, archive_errors, check_expansion, check_size, refusal
from cnnlab.data.tree import Entry, file_identity, folder_entry, input_errors, shown

__all__ = ["ZIP_TROUBLE", "ZipTree", "zip_members"]

#: What zipfile and its decompressors raise on files that are damaged or beyond them.
ZIP_TROUBLE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    ValueError,
    LookupError,
    OverflowError,
    RuntimeError,
)


class ZipTree:
    """A .zip file, read through its central directory; checksums are verified on reading."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def identity(self) -> dict[str, object]:
        """Path, size, times and inode of the archive."""
        return file_identity(self.path)

    def entries(self) -> Iterator[Entry]:
        """Yield every file and folder; see :class:`cnnlab.data.tree.Tree`."""
        with archive_errors(self.path, ZIP_TROUBLE), zipfile.ZipFile(self.path) as archive:
            for info, path, is_folder in zip_members(archive, self.path):
                if is_folder:
                    yield folder_entry(path)
                else:
                    yield Entry(path, is_folder=False, open=self._opener(archive, info, path))

    def _opener(
        self, archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: str
    ) -> Callable[[], BinaryIO]:
        def stream() -> BinaryIO:
            where = shown(f"{self.path}: {path}")
            check_size(info.file_size, where)
            with archive_errors(where, ZIP_TROUBLE):
                return io.BytesIO(archive.read(info))

        return stream


def zip_members(
    archive: zipfile.ZipFile, where: Path
) -> Iterator[tuple[zipfile.ZipInfo, str, bool]]:
    """Yield every member, its safe path and whether it is a folder; kind and size are checked.

    Raises :class:`DataError` for what may not be in an archive, and for one that expands like a
    bomb.
    """
    with input_errors(where):
        packed = where.stat().st_size
    census, total = Census(where), 0
    for info in archive.infolist():
        name = _zip_name(info)
        _check_kind(info, name, where)
        is_folder = name.endswith("/")
        path = census.admit(name, is_folder=is_folder)
        total += info.file_size
        check_expansion(where, info.file_size, info.compress_size, name)
        check_expansion(where, total, packed)
        yield info, path, is_folder


def _check_kind(info: zipfile.ZipInfo, name: str, where: Path) -> None:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind == stat.S_IFLNK:
        raise refusal(where, name, "a symbolic link")
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise refusal(where, name, "a device, pipe or socket")
    if info.flag_bits & 1:
        raise refusal(where, name, "an encrypted file")


def _zip_name(info: zipfile.ZipInfo) -> str:
    """Return the name as its packer meant it: many write UTF-8 without saying so."""
    if info.flag_bits & 0x800:
        return info.orig_filename
    try:
        return info.orig_filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return info.orig_filename
