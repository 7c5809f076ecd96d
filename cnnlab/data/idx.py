"""The IDX format of MNIST and its kin: a few header bytes, then the values.

Two zero bytes, one for the type (8: unsigned bytes, the only type read here), one for the
number of dimensions, then each dimension as a big-endian 32-bit number, then the values in row
order. The header is checked against the length of the file before any memory is asked for.
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedIOBase
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cnnlab.data.reading import read_errors
from cnnlab.errors import ChecksumError, DataError

__all__ = ["LIMIT_BYTES", "parse_idx", "read_contents", "read_idx"]

#: The largest contents that are read: twenty times MNIST.
LIMIT_BYTES = 1 << 30

_GZIP_MAGIC = b"\x1f\x8b"
_UNSIGNED_BYTE = 8
_DIMENSIONS_MAX = 4
_HEADER_BYTES_MAX = 4 + 4 * _DIMENSIONS_MAX
_BLOCK_BYTES = 1 << 20


def read_idx(path: Path, *, limit_bytes: int = LIMIT_BYTES) -> bytes:
    """Return the contents of an IDX file of unsigned bytes, gzip-compressed or not.

    The header comes first: where it declares more than ``limit_bytes``, or anything but what is
    there, the file is a :class:`DataError` and no memory was asked for.
    """
    with _opened(path) as stream:
        shape = _shape(stream.read(_HEADER_BYTES_MAX), path)
    whole = _header_bytes(shape) + math.prod(shape)
    if whole > limit_bytes:
        raise DataError(
            f"the header declares {list(shape)}, {whole:,} bytes",
            where=path,
            expected=f"at most {limit_bytes:,} bytes",
            todo="the file is broken, or no set of small images",
        )
    return read_contents(path, limit_bytes=whole)


def read_contents(path: Path, *, limit_bytes: int) -> bytes:
    """Return a file's contents, decompressed where it is gzip.

    Stops with a :class:`DataError` as soon as there are more than ``limit_bytes``; memory grows
    with what is really there, whatever the file claims. Contents that do not fit gzip's own
    checksum are a :class:`ChecksumError`.
    """
    blocks: list[bytes] = []
    left = limit_bytes + 1
    with _opened(path) as stream:
        while left and (block := stream.read(min(left, _BLOCK_BYTES))):
            blocks.append(block)
            left -= len(block)
    if not left:
        raise DataError(
            f"the contents have more than {limit_bytes:,} bytes",
            where=path,
            expected=f"{limit_bytes:,} bytes",
        )
    return b"".join(blocks)


def parse_idx(contents: bytes, where: object) -> NDArray[np.uint8]:
    """Return the array that ``contents`` hold; it shares their memory and is read-only."""
    shape = _shape(contents[:_HEADER_BYTES_MAX], where)
    start, count = _header_bytes(shape), math.prod(shape)
    if len(contents) != start + count:
        raise DataError(
            f"the header declares {list(shape)} but {len(contents) - start:,} bytes follow",
            where=where,
            expected=f"{count:,}",
            todo="the file is cut off or not an IDX file: get it again",
        )
    return np.frombuffer(contents, dtype=np.uint8, offset=start).reshape(shape)


def _header_bytes(shape: tuple[int, ...]) -> int:
    return 4 + 4 * len(shape)


def _shape(start: bytes, where: object) -> tuple[int, ...]:
    """The dimensions that the first bytes of a file declare."""
    if len(start) < 4 or start[:2] != b"\0\0":
        raise DataError(
            f"the file begins with {start[:4]!r}", where=where, expected="the header of an IDX file"
        )
    kind, dimensions = start[2], start[3]
    if kind != _UNSIGNED_BYTE or not 1 <= dimensions <= _DIMENSIONS_MAX:
        raise DataError(
            f"IDX values of type {kind:#04x} in {dimensions} dimensions",
            where=where,
            expected=f"unsigned bytes (0x08) in 1 to {_DIMENSIONS_MAX} dimensions",
        )
    if len(start) < 4 + 4 * dimensions:
        raise DataError("the file ends within its IDX header", where=where, todo="get it again")
    return struct.unpack(f">{dimensions}I", start[4 : 4 + 4 * dimensions])


@contextmanager
def _opened(path: Path) -> Iterator[BufferedIOBase]:
    """Open a file's contents, decompressed where it is gzip; say in our words what goes wrong."""
    with read_errors(path), path.open("rb") as raw:
        compressed = raw.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC
        raw.seek(0)
        try:
            yield gzip.GzipFile(fileobj=raw) if compressed else raw
        except EOFError as error:
            raise DataError(
                "the compressed file is cut off", where=path, todo="get it again"
            ) from error
        except (gzip.BadGzipFile, zlib.error) as error:
            raise ChecksumError(
                f"the compressed contents are damaged ({error})", where=path, todo="get it again"
            ) from error
