"""Parquet files in the Hugging Face image form: encoded images and labels, in rows.

Only what is in the rows is read: a path or address beside an image is never followed.
"""

from __future__ import annotations

import io
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import accumulate
from pathlib import Path

import numpy as np

from cnnlab.data.decoding import check_form, decode_layout
from cnnlab.data.forms.parquet_columns import Columns, choose_columns
from cnnlab.data.forms.parquet_file import column_batches, read_schema
from cnnlab.data.forms.parquet_shards import Shard, find_shards, is_parquet, shards_of
from cnnlab.data.inventory import list_images
from cnnlab.data.labels import Labelled, Place, check_parts, label_numbers, label_texts
from cnnlab.data.layout import Layout
from cnnlab.data.source import Allocate, Decoded, Found, PathForm, ReadOptions, SourceOptions
from cnnlab.data.tree import Entry, file_identity, shown
from cnnlab.errors import DataError
from cnnlab.options import Text

__all__ = ["FORM"]

_OPTIONS: SourceOptions = {
    "image_column": Text(meaning="the column of images, where the names do not tell"),
    "label_column": Text(meaning="the column of labels, where the names do not tell"),
}
#: As many images, and as many labels, are in memory at a time.
_IMAGES, _LABELS = 64, 65_536


class _Rows:
    """The images of all shards, each as a file; see :class:`cnnlab.data.tree.Files`."""

    def __init__(self, path: Path, shards: Sequence[Shard], columns: Columns) -> None:
        self.path = path
        self._shards = shards
        self._columns = columns

    def entries(self) -> Iterator[Entry]:
        """Yield every row's image, in order; one without bytes is a :class:`DataError`."""
        column, field = self._columns.image, self._columns.image_field
        for shard in self._shards:
            row = 0
            for batch in column_batches(shard.path, column, _IMAGES, field=field):
                for data in batch.to_pylist():
                    if data is None:
                        raise DataError(
                            "the image has no bytes in it",
                            where=shown(f"{shard.path}, row {row}"),
                            expected="the image itself; a path or address is not followed",
                            todo="write the file again with its images in it",
                        )
                    yield Entry(_entry(shard, row), is_folder=False, open=partial(io.BytesIO, data))
                    row += 1


def _recognise(path: Path) -> Found | None:
    if path.is_file() and is_parquet(path):
        return Found(path, {shown(path.name): file_identity(path)})
    names = find_shards(path) if path.is_dir() else []
    return (
        Found(path, {shown(name): file_identity(path / name) for name in names}) if names else None
    )


def _read(found: Found, options: ReadOptions, allocate: Allocate) -> Decoded:
    check_form(options)
    shards, notes = shards_of(found.path)
    wanted = [str(name) if name else None for name in map(options.own.get, _OPTIONS)]
    columns, others = choose_columns(
        read_schema(shards[0].path), shown(shards[0].path), wanted[0], wanted[1]
    )
    if others:
        notes.append(f"labels are the column {columns.label}; there are also {', '.join(others)}")
    for shard in shards[1:]:
        same = choose_columns(
            read_schema(shard.path), shown(shard.path), columns.image, columns.label
        )[0]
        if same != columns:
            raise DataError(
                "the columns or the class names are others",
                where=shown(shard.path),
                expected=f"those of {shown(shards[0].name)}",
            )
    layout = _layout(found.path, shards, columns)
    rows = _Rows(found.path, shards, columns)
    layout = replace(layout, notes=(*notes, *layout.notes))
    return decode_layout(rows, list_images(rows), layout, options, allocate)


def _layout(where: Path, shards: Sequence[Shard], columns: Columns) -> Layout:
    """Read the labels of all shards."""
    values = [_labels(shard.path, columns) for shard in shards]
    ends = list(accumulate(map(len, values)))

    def place(row: int) -> str:
        at = bisect_right(ends, row)
        return shown(f"{shards[at].path}, row {row - (ends[at - 1] if at else 0)}")

    parts: dict[str, int] = {}
    for shard, labels in zip(shards, values, strict=True):
        parts[shard.part] = parts.get(shard.part, 0) + len(labels)
    together = [label for labels in values for label in labels]
    if not together:
        raise DataError("there are no rows in it", where=shown(where))
    labelled = check_parts(_labelled(together, columns, place), parts, place, shown(where))
    return Layout(
        files=tuple(
            _entry(shard, row)
            for shard, labels in zip(shards, values, strict=True)
            for row in range(len(labels))
        ),
        labels=tuple(labelled.labels.tolist()),
        class_names=labelled.class_names,
        parts=parts,
        notes=labelled.notes,
    )


def _labels(path: Path, columns: Columns) -> list[str | int]:
    found: list[str | int] = []
    for batch in column_batches(path, columns.label, _LABELS):
        values = batch.to_pylist()
        if batch.null_count:
            raise DataError(
                "the image has no label",
                where=shown(f"{path}, row {len(found) + values.index(None)}"),
                expected=f"a value in the column {columns.label}",
            )
        found += values
    return found


def _labelled(values: Sequence[str | int], columns: Columns, place: Place) -> Labelled:
    if columns.is_text:
        return label_texts([str(value) for value in values], place)
    try:
        numbers = np.array(values, dtype=np.int64)
    except OverflowError:
        row = next(row for row, value in enumerate(values) if int(value) >= 1 << 63)
        raise DataError(f"label {values[row]}", where=place(row)) from None
    return label_numbers(numbers, place, columns.class_names)


def _entry(shard: Shard, row: int) -> str:
    return f"{shard.name}, row {row}"


#: A Parquet file, or a folder of shards.
FORM = PathForm(_recognise, _read, _OPTIONS)
