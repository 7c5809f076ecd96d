"""Reading the files of data sets without trusting them."""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from cnnlab.errors import ChecksumError, DataError, StorageError

__all__ = ["check_digest", "check_labels", "digest_of", "read_bounded", "read_errors"]

_BLOCK_BYTES = 1 << 20


@contextmanager
def read_errors(path: Path) -> Iterator[None]:
    """Turn what the operating system says of reading ``path`` into one line for the user.

    A file that is not there, or may not be read, is a :class:`DataError`; what fails otherwise a
    :class:`StorageError`.
    """
    try:
        yield
    except FileNotFoundError as error:
        raise DataError(
            "no such file", where=path, todo="put it there, or fetch the data set again"
        ) from error
    except PermissionError as error:
        raise DataError(
            "cannot be read: permission denied", where=path, todo="check its permissions"
        ) from error
    except OSError as error:
        reason = error.strerror or str(error) or type(error).__name__
        raise StorageError(
            f"cannot read: {reason[0].lower()}{reason[1:]}",
            where=path,
            todo="check the file and the disk",
        ) from error


def read_bounded(path: Path, *, limit_bytes: int) -> bytes:
    """Return a file's bytes; a longer file, or none at all, is a :class:`DataError`."""
    with read_errors(path):
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise DataError("not a regular file", where=path)
        if status.st_size > limit_bytes:
            raise DataError(
                f"the file has {status.st_size:,} bytes",
                where=path,
                expected=f"at most {limit_bytes:,}",
            )
        return path.read_bytes()


def digest_of(stream: BinaryIO, algorithm: str) -> str:
    """Return the digest of what is left in ``stream``, in lower-case hexadecimal."""
    digest = hashlib.new(algorithm, usedforsecurity=False)
    while block := stream.read(_BLOCK_BYTES):
        digest.update(block)
    return digest.hexdigest()


def check_digest(path: Path, expected: str, *, todo: str) -> None:
    """Raise :class:`ChecksumError` unless the file has the digest ``expected``.

    ``expected`` reads ``ALGORITHM:HEX``, e.g. ``md5:c32a...``. MD5 tells damage from the
    published file where nothing better was published; it keeps out no forger.
    """
    algorithm, _, published = expected.partition(":")
    with read_errors(path), path.open("rb") as stream:
        found = digest_of(stream, algorithm)
    if found != published:
        raise ChecksumError(
            f"the file has {algorithm.upper()} {found}",
            where=path,
            expected=f"the published {published}",
            todo=todo,
        )


def check_labels(labels: NDArray[np.integer], class_count: int, where: object) -> None:
    """Raise :class:`DataError` naming the first of ``labels`` that is no class's index."""
    outside = np.flatnonzero((labels < 0) | (labels >= class_count))
    if outside.size:
        raise DataError(
            f"label {labels[outside[0]]} at index {outside[0]}",
            where=where,
            expected=f"0 to {class_count - 1}",
        )
