"""Columns of Parquet files: labels, class names and images of every type."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from class_folders import encoded, pixels
from parquet_files import STRUCT, check, hub_metadata, read, rows, write
from pyarrow import parquet as pq

from cnnlab.errors import DataError


@pytest.mark.parametrize(
    "kind",
    [pa.int8(), pa.uint64(), pa.bool_(), pa.string(), pa.large_string(), pa.string_view()],
)
def test_labels_of_every_type(kind: pa.DataType, tmp_path: Path) -> None:
    is_text = not (pa.types.is_integer(kind) or pa.types.is_boolean(kind))
    values = pa.array([str(n) if is_text else n for n in (0, 1, 1, 0, 1, 0)])
    values = pa.array(values.to_pylist(), kind) if is_text else values.cast(kind)
    found = read(write(tmp_path / "x.parquet", label=values))
    assert found.labels.tolist() == [0, 1, 1, 0, 1, 0]
    assert found.class_names == ("0", "1")


@pytest.mark.parametrize(
    ("in_struct", "kind"),
    [
        (True, pa.binary()),
        (True, pa.large_binary()),
        (False, pa.binary()),
        (False, pa.large_binary()),
        (False, pa.binary_view()),
    ],
)
def test_images_of_every_type(in_struct: bool, kind: pa.DataType, tmp_path: Path) -> None:
    data = [encoded(pixels(n)) for n in range(6)]
    if in_struct:
        images = pa.array([{"bytes": one} for one in data], pa.struct([("bytes", kind)]))
    else:
        images = pa.array(data, kind)
    check(read(write(tmp_path / "x.parquet", image=images)), *range(6))


def test_what_pandas_writes(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "img": [encoded(pixels(n)) for n in range(4)],
            "label": pd.Categorical(["dog", "cat", "dog", "ant"]),
        }
    )
    frame.to_parquet(tmp_path / "x.parquet")
    found = read(tmp_path / "x.parquet")
    check(found, *range(4))
    assert found.class_names == ("ant", "cat", "dog")
    assert found.labels.tolist() == [2, 1, 2, 0]


def test_label_columns_of_two_kinds(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    table = pa.table(
        {
            "img": pa.array(rows(0, 4), STRUCT),
            "fine_label": [0, 1, 2, 3],
            "coarse_label": [0, 0, 1, 1],
        }
    ).replace_schema_metadata(
        hub_metadata(fine_label=["a", "b", "c", "d"], coarse_label=["x", "y"])
    )
    pq.write_table(table, path)
    found = read(path)
    assert found.class_names == ("a", "b", "c", "d")
    assert found.notes == ("labels are the column fine_label; there are also coarse_label",)
    assert read(path, label_column="coarse_label").class_names == ("x", "y")


@pytest.mark.parametrize(
    ("metadata", "classes"),
    [
        (None, ("0", "1", "2")),
        ({b"huggingface": b"no JSON"}, ("0", "1", "2")),
        ({b"huggingface": b"[1, 2]"}, ("0", "1", "2")),
        ({b"huggingface": b'{"info": null}'}, ("0", "1", "2")),
        ({b"huggingface": b'{"info": {"features": {"label": 3}}}'}, ("0", "1", "2")),
        ({b"huggingface": b'{"info": {"features": {"label": {"names": [1]}}}}'}, ("0", "1", "2")),
        ({b"huggingface": b"[" * 100_000}, ("0", "1", "2")),
        (hub_metadata(label=["a", "b", "c", "d"]), ("a", "b", "c", "d")),
    ],
)
def test_class_names_are_taken_where_they_are(
    metadata: dict[bytes, bytes] | None, classes: tuple[str, ...], tmp_path: Path
) -> None:
    table = pq.read_table(write(tmp_path / "x.parquet")).replace_schema_metadata(metadata)
    pq.write_table(table, tmp_path / "x.parquet")
    assert read(tmp_path / "x.parquet").class_names == classes


@pytest.mark.parametrize(
    ("columns", "own", "said"),
    [
        ({"label": [0.0] * 6}, {}, r"no column holds labels \(there are image: struct.*label: dou"),
        ({"label": None}, {}, "no column holds labels"),
        ({"image": None}, {}, "no column holds images"),
        ({"image": ["a.png"] * 6}, {}, "no column holds images"),
        ({"image": pa.array([[1]] * 6)}, {}, "no column holds images"),
        ({}, {"label_column": "labels"}, r"no column is called 'labels' \(there are image: "),
        ({}, {"label_column": "image"}, "column 'image' holds no labels"),
        ({}, {"image_column": "label"}, "column 'label' holds no images .*data.image_column=NAME"),
        (
            {"label": None, "a": [1] * 6, "b": [2] * 6},
            {},
            "not clear which column holds the labels",
        ),
    ],
)
def test_columns_that_are_missing_or_in_doubt(
    columns: dict[str, Any], own: dict[str, str], said: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=rf"x\.parquet: .*{said}"):
        read(write(tmp_path / "x.parquet", **columns), **own)


def test_the_only_column_that_fits_needs_no_name(tmp_path: Path) -> None:
    path = write(tmp_path / "x.parquet", label=None, kind=["a", "b", "c"] * 2, size=[1.5] * 6)
    assert read(path).class_names == ("a", "b", "c")


@pytest.mark.parametrize(
    ("labels", "names", "said"),
    [
        ([0, 1, -1, 0, 1, 2], ["a", "b", "c"], "row 2: label -1; expected 0 or more; .* without a"),
        ([0, 1, 2, 0, 1, 3], ["a", "b", "c"], "row 5: label 3; expected 0 to 2, as there are 3 cl"),
        ([0, 1, 2, 0, None, 3], None, "row 4: the image has no label; expected a value"),
        (["a", None, "b", "", "a", "b"], None, "row 1: the image has no label"),
        (["a", "b", "b", "", "a", "b"], None, "row 3: an empty label"),
        ([0] * 6, None, "only one class, '0'"),
        ([0, 1, 2, 0, 1, 2], ["a", "b", "a"], "label: class names 0 and 2 are both 'a'"),
        (pa.array([0, 1, 2**63, 0, 0, 1], pa.uint64()), None, "row 2: label 9223372036854775808"),
    ],
)
def test_wrong_labels_are_named(labels: Any, names: list[str], said: str, tmp_path: Path) -> None:
    path = write(tmp_path / "x.parquet", label=labels, names=names)
    with pytest.raises(DataError, match=rf"x\.parquet.*{said}"):
        read(path)


def test_a_class_of_the_test_part_alone_is_named(tmp_path: Path) -> None:
    write(tmp_path / "train.parquet", count=2)
    write(tmp_path / "test.parquet", count=3)
    with pytest.raises(
        DataError, match=r"test\.parquet, row 2: class '2' is in test but not in tr"
    ):
        read(tmp_path)
