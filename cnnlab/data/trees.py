"""A path -> the tree of files that it is, told by what is in it and not by its name alone."""

from __future__ import annotations

from pathlib import Path

from cnnlab.data.archive import ARCHIVE_SUFFIXES
from cnnlab.data.images import IMAGE_SUFFIXES
from cnnlab.data.tar_tree import TarTree, begins_like_tar
from cnnlab.data.tree import FolderTree, Tree, input_errors, shown
from cnnlab.data.zip_tree import ZipTree
from cnnlab.errors import DataError

__all__ = ["FILE_SUFFIXES", "open_tree", "stem_of"]

_ZIP = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
#: Archives that Python reads with no more than its own library can open: how each begins, what
#: it is called, and the names that promise it.
_FOREIGN = (
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", (".7z",)),
    (b"Rar!\x1a\x07", "a RAR archive", (".rar",)),
    (b"\x28\xb5\x2f\xfd", "compressed with Zstandard", (".tar.zst", ".tzst", ".zst")),
    (b"\x04\x22\x4d\x18", "compressed with LZ4", (".tar.lz4", ".lz4")),
    (b"LZIP", "compressed with lzip", (".tar.lz", ".tlz", ".lz")),
    (b"\x1f\x9d", "compressed with compress", (".tar.z", ".taz")),
)
#: File names that promise images, be it in an archive that can be read here or not.
FILE_SUFFIXES = (
    *ARCHIVE_SUFFIXES,
    *(suffix for _, _, suffixes in _FOREIGN for suffix in suffixes),
    ".npz",
    ".parquet",
    ".csv",
    ".tsv",
)

_MAGIC_BYTES = 8


def stem_of(path: Path) -> str:
    """Return a folder's name, or a file's without its known suffix."""
    name = path.name if path.name not in ("", "..") else path.resolve().name or str(path)
    for suffix in sorted(FILE_SUFFIXES, key=len, reverse=True):
        if not path.is_dir() and name.lower().endswith(suffix) and len(name) > len(suffix):
            return name[: -len(suffix)]
    return name


def open_tree(path: Path) -> Tree:
    """Return the tree of a folder or archive that exists; raise ``DataError`` for all else.

    What the first bytes say of an archive counts more than its name; the name decides where they
    say nothing, as with an old or a damaged one.
    """
    if path.is_dir():
        return FolderTree(path)
    if not path.is_file():
        raise DataError("neither a folder nor a file", where=shown(path))
    with input_errors(path), path.open("rb") as file:
        magic = file.read(_MAGIC_BYTES)
    name = path.name.lower()
    for begin, kind, _ in _FOREIGN:
        if magic.startswith(begin):
            raise _foreign(path, kind)
    if magic.startswith(_ZIP):
        return ZipTree(path)
    if begins_like_tar(path):
        return TarTree(path)
    for _, kind, suffixes in _FOREIGN:
        if name.endswith(suffixes):
            raise _foreign(path, kind)
    if name.endswith(ARCHIVE_SUFFIXES):
        return ZipTree(path) if name.endswith(".zip") else TarTree(path)
    raise _no_archive(path)


def _foreign(path: Path, kind: str) -> DataError:
    return DataError(
        f"the file is {kind}, which cannot be read here",
        where=shown(path),
        todo="unpack it and give the folder, or pack that as .zip or .tar.gz",
    )


def _no_archive(path: Path) -> DataError:
    suffix = path.suffix.lower()
    kind = "a single image" if suffix in IMAGE_SUFFIXES else "no archive known here"
    return DataError(
        "the file is a single array" if suffix == ".npy" else f"the file is {kind}",
        where=shown(path),
        expected=f"a folder of class folders, or one packed as {', '.join(ARCHIVE_SUFFIXES)}; "
        "or a .npz, .parquet or .csv file",
        todo="save images and labels with numpy.savez" if suffix == ".npy" else None,
    )
