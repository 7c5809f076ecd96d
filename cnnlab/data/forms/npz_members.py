"""The arrays in a NumPy ``.npz`` file, read in blocks; no pickle in it is ever looked at.

The header of each array is held against the size of its member, and that against the file's, before
any memory is asked for.
"""

from __future__ import annotations

import io
import math
import tokenize
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnlab.data.archive import archive_errors
from cnnlab.data.tree import input_errors, shown
from cnnlab.data.zip_tree import ZIP_TROUBLE, zip_members
from cnnlab.errors import DataError

__all__ = ["Member", "Npz", "open_npz"]

#: What is read at a time, and the most that is read as a whole.
_BLOCK_BYTES = 8 << 20
_WHOLE_BYTES = 2 << 30
#: NumPy's own headers have some hundred bytes, and it takes up to 10,000.
_HEADER_BYTES = 10_240
#: What is no header trips NumPy, Python's parser and the making of a dtype, each in its own way.
_NO_HEADER = (
    ValueError,
    TypeError,
    SyntaxError,
    LookupError,
    tokenize.TokenError,
    RecursionError,
    MemoryError,
)


@dataclass(frozen=True)
class Member:
    """One array of a file that is open, known by its header.

    Attributes
    ----------
    key: its name.
    where: what errors call it: the file and the name.
    """

    key: str
    where: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    _is_fortran: bool
    _start: int
    _archive: zipfile.ZipFile = field(repr=False)
    _info: zipfile.ZipInfo = field(repr=False)

    def __str__(self) -> str:
        return f"{shown(self.key)} {self.dtype} {list(self.shape)}"

    def blocks(self) -> Iterator[NDArray[Any]]:
        """Yield the array in order, some rows at a time.

        Its checksum is verified with the last block. Raises :class:`DataError` for what is cut
        off or damaged.
        """
        if self._is_fortran:
            yield from self._fortran_blocks()
            return
        row_bytes = math.prod(self.shape[1:]) * self.dtype.itemsize
        step = max(1, _BLOCK_BYTES // row_bytes) if row_bytes else max(1, self.shape[0])
        with self._errors(), self._archive.open(self._info) as stream:
            stream.read(self._start)
            for first in range(0, self.shape[0], step):
                shape = (min(step, self.shape[0] - first), *self.shape[1:])
                yield self._array(stream.read(math.prod(shape) * self.dtype.itemsize), shape)

    def read(self) -> NDArray[Any]:
        """Return the whole of a small array."""
        size_bytes = math.prod(self.shape) * self.dtype.itemsize
        if size_bytes > _WHOLE_BYTES:
            raise DataError(
                f"the array has {size_bytes:,} bytes",
                where=self.where,
                expected=f"at most {_WHOLE_BYTES:,} in labels, or in images in Fortran's order",
                todo="save images with numpy.ascontiguousarray",
            )
        shape = self.shape[::-1] if self._is_fortran else self.shape
        with self._errors(), self._archive.open(self._info) as stream:
            stream.read(self._start)
            whole = self._array(stream.read(size_bytes), shape)
        return whole.T if self._is_fortran else whole

    def _fortran_blocks(self) -> Iterator[NDArray[Any]]:
        whole = self.read()
        step = max(1, _BLOCK_BYTES * len(whole) // max(1, whole.nbytes))
        for first in range(0, len(whole), step):
            yield whole[first : first + step]

    def _array(self, data: bytes, shape: tuple[int, ...]) -> NDArray[Any]:
        expected = math.prod(shape) * self.dtype.itemsize
        if len(data) != expected:
            raise EOFError(f"{len(data):,} bytes where {expected:,} should be")
        return np.frombuffer(data, dtype=self.dtype).reshape(shape)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        with archive_errors(self.where, ZIP_TROUBLE):
            yield


@dataclass(frozen=True)
class Npz:
    """What a file holds.

    Attributes
    ----------
    path: the file.
    arrays: by key, in the order in which they stand.
    refused: why other members are no arrays that can be read, by key.
    """

    path: Path
    arrays: Mapping[str, Member]
    refused: Mapping[str, str]


@contextmanager
def open_npz(path: Path) -> Iterator[Npz]:
    """Open a ``.npz`` file and read every array's header.

    Raises :class:`DataError` for what is no such file, is damaged, expands like a bomb, or has
    an array whose header and size contradict each other.
    """
    with input_errors(path), path.open("rb") as file:
        if not zipfile.is_zipfile(file):
            raise DataError(
                "the file is no .npz file, or is cut off",
                where=shown(path),
                expected="what numpy.savez or numpy.savez_compressed writes",
            )
    with ExitStack() as stack:
        with archive_errors(path, ZIP_TROUBLE):
            archive = stack.enter_context(zipfile.ZipFile(path))
            opened = _npz(archive, path)
        yield opened  # outside, as not every error in there is one of the file


def _npz(archive: zipfile.ZipFile, path: Path) -> Npz:
    arrays: dict[str, Member] = {}
    refused: dict[str, str] = {}
    for info, name, is_folder in zip_members(archive, path):
        if is_folder:
            continue
        key = name.removesuffix(".npy")
        member = "no array" if key == name else _member(archive, info, key, path)
        if isinstance(member, str):
            refused[key] = member
        else:
            arrays[key] = member
    return Npz(path, arrays, refused)


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, key: str, path: Path) -> Member | str:
    """Read a member's header: the array, or why its values may not or cannot be read."""
    where = shown(f"{path}: {key}")
    with archive_errors(where, ZIP_TROUBLE), archive.open(info) as stream:
        begin = io.BytesIO(stream.read(_HEADER_BYTES))
    shape, is_fortran, dtype = _header(begin, where)
    if dtype.hasobject:
        return "Python objects (a pickle, which could run commands)"
    if dtype.names is not None or dtype.subdtype is not None:
        return "records with fields"
    if any(side < 0 for side in shape):
        raise DataError(
            f"the header declares {list(shape)}", where=where, expected="no side below 0"
        )
    declared = math.prod(shape) * dtype.itemsize
    there = info.file_size - begin.tell()
    if declared != there:
        raise DataError(
            f"the header declares {dtype} {list(shape)}, {declared:,} bytes, but {there:,} follow",
            where=where,
            todo="the file is damaged: write it again",
        )
    return Member(key, where, shape, dtype, is_fortran, begin.tell(), archive, info)


def _header(begin: io.BytesIO, where: str) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Parse the header of the ``.npy`` format, versions 1 and 2.

    Version 3 differs in the names of records' fields only, and records are not read.
    """
    readers = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    try:
        with warnings.catch_warnings():  # of arrays that Python 2 wrote, which is no matter
            warnings.simplefilter("ignore")
            version = np.lib.format.read_magic(begin)
            if version not in readers:
                raise ValueError(f"version {version[0]}.{version[1]} of the format is unknown")
            return readers[version](begin, max_header_size=_HEADER_BYTES)
    except _NO_HEADER as error:
        raise DataError(
            f"the array's header cannot be read: {shown(' '.join(str(error).split()))[:200]}",
            where=where,
            expected="what numpy.savez writes",
        ) from error
