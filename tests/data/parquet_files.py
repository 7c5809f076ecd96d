"""Small Parquet files in the Hugging Face image form, and what is read of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from class_folders import encoded, pixels
from pyarrow import parquet as pq

from cnnlab.data.forms import parquet
from cnnlab.data.source import Decoded, ReadOptions

STRUCT = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def rows(first: int, count: int) -> list[dict[str, Any]]:
    return [{"bytes": encoded(pixels(n)), "path": f"{n}.png"} for n in range(first, first + count)]


def hub_metadata(**columns: list[str]) -> dict[bytes, bytes]:
    """What the ``datasets`` library writes into a schema."""
    features: dict[str, Any] = {"image": {"_type": "Image"}}
    for column, names in columns.items():
        features[column] = {"names": names, "_type": "ClassLabel"}
    return {b"huggingface": json.dumps({"info": {"features": features}}).encode()}


def write(
    path: Path,
    first: int = 0,
    count: int = 6,
    *,
    names: list[str] | None = None,
    group: int = 4,
    **columns: Any,
) -> Path:
    """Images ``first`` ... under the labels 0, 1, 2, 0, ..."""
    held = {"image": pa.array(rows(first, count), STRUCT)}
    held["label"] = pa.array([n % 3 for n in range(first, first + count)], pa.int64())
    for column, values in columns.items():
        if values is None:
            del held[column]
        else:
            held[column] = values if isinstance(values, pa.Array) else pa.array(values)
    table = pa.table(held)
    if names is not None:
        table = table.replace_schema_metadata(hub_metadata(label=names))
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, row_group_size=group)
    return path


def read(path: Path, *, size: int | None = None, **own: Any) -> Decoded:
    options = ReadOptions(size, own=own).filled(str(path), parquet.FORM.options)
    found = parquet.FORM.recognise(path)
    assert found is not None
    return parquet.FORM.read(found, options, lambda shape: np.full(shape, 77, np.uint8))


def check(found: Decoded, *numbers: int) -> None:
    np.testing.assert_array_equal(found.images, [pixels(n) for n in numbers])
