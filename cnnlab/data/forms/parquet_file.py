"""One Parquet file through pyarrow, which is imported where a file is opened."""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cnnlab.data.archive import check_expansion
from cnnlab.data.forms.parquet_pages import check_pages
from cnnlab.data.tree import input_errors, shown
from cnnlab.errors import DataError

__all__ = ["column_batches", "read_schema"]

#: A column of one value can claim any number of rows in a few bytes.
_MAX_ROWS = 2_000_000
_STREAM_BYTES = 1 << 20


def read_schema(path: Path) -> Any:
    """Return the Arrow schema of a file, a ``pyarrow.Schema``.

    Raises :class:`DataError` for a file that is damaged, cut off, or expands like a bomb, and where
    pyarrow is not installed.
    """
    with _opened(path) as file:
        metadata = file.metadata
        groups = range(metadata.num_row_groups)
        unpacked = sum(metadata.row_group(group).total_byte_size for group in groups)
        check_expansion(path, unpacked, path.stat().st_size)
        schema = file.schema_arrow
        _check_copies(path, schema.metadata or {}, metadata.metadata or {})
        return schema


def _check_copies(path: Path, one: dict[bytes, bytes], other: dict[bytes, bytes]) -> None:
    """What the ``datasets`` library wrote stands twice in a file; a difference is damage."""
    key = b"huggingface"
    if key in one and key in other and one[key] != other[key]:
        raise DataError(
            "the two copies of the class names differ: the Parquet file is damaged",
            where=shown(path),
            todo="download or write it again",
        )


def column_batches(
    path: Path, column: str, rows: int, *, field: str | None = None
) -> Iterator[Any]:
    """Yield one column, or one field of a column of structs, as ``pyarrow.Array``.

    Each has at most ``rows`` values. Raises :class:`DataError` as :func:`read_schema` does.
    """
    wanted = column if field is None else f"{column}.{field}"
    with _opened(path) as file:
        _check_column(path, wanted)
        batches = file.iter_batches(rows, columns=[wanted], use_threads=False)
        read = 0
        while (batch := next(batches, None)) is not None:
            read += batch.num_rows
            if read > _MAX_ROWS:
                raise DataError(
                    "too many rows", where=shown(path), expected=f"at most {_MAX_ROWS:,}"
                )
            values = batch.column(0)
            # A null in the place of a struct is a null in its fields.
            yield values if field is None else values.flatten()[0]
        if read != file.metadata.num_rows:
            raise ValueError(f"{read} of {file.metadata.num_rows} rows can be read")


def _check_column(path: Path, column: str) -> None:
    """Hold a column's pages against what the footer says of them."""
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as whole:
        check_pages(whole, column)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """Open a file with little read ahead; say in our words what goes wrong."""
    try:
        import pyarrow
        from pyarrow.parquet import ParquetFile
    except ImportError as error:
        raise DataError(
            "reading Parquet files needs pyarrow, which is not installed",
            where=shown(path),
            todo="pip install pyarrow",
        ) from error
    trouble = (
        pyarrow.ArrowException,
        OSError,
        ValueError,
        LookupError,
        RuntimeError,
        OverflowError,
        MemoryError,
    )
    try:
        with ParquetFile(
            path, buffer_size=_STREAM_BYTES, pre_buffer=False, page_checksum_verification=True
        ) as file:
            yield file
    except trouble as error:
        if isinstance(error, OSError) and error.errno:  # it is the system's, not of what was read
            with input_errors(path):
                raise OSError(error.errno, os.strerror(error.errno)) from error
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(
            f"the Parquet file is damaged or cut off: {shown(reason)[:300]}",
            where=shown(path),
            todo="download or write it again",
        ) from error
