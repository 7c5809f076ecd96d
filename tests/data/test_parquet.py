"""Parquet in the Hugging Face image form, written by pyarrow and pandas as the hub's tools do."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from class_folders import encoded, pixels, write_classes
from PIL import Image
from pyarrow import parquet as pq

from cnnlab.data import decoding, inventory, open_dataset
from cnnlab.data.forms import FORMS, form_of, parquet, parquet_file
from cnnlab.data.source import Decoded, ReadOptions
from cnnlab.errors import ConfigError, DataError

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


@pytest.mark.parametrize("group", [1, 4, 100])
def test_one_file(group: int, tmp_path: Path) -> None:
    names = ["cat & <script>", 'a "dog"', "käse"]
    found = read(write(tmp_path / "mine.parquet", names=names, group=group))
    check(found, *range(6))
    assert found.labels.tolist() == [0, 1, 2, 0, 1, 2]
    assert found.class_names == tuple(names)
    assert found.parts == {"train": 6}
    assert found.notes == ()


LAYOUTS = {
    "as uploaded now": "data/{part}-0000{n}-of-00002.parquet",
    "as some years ago": "data/{part}-0000{n}-of-00002-b42a775f407cee45.parquet",
    "a configuration": "plain_text/{part}-0000{n}-of-00002.parquet",
    "as the hub converts": "default/{part}/000{n}.parquet",
    "side by side": "{part}-0000{n}-of-00002.parquet",
    "by hand": "{part}_{n}.parquet",
    "in folders of parts": "{part}/{n}.parquet",
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_shards_in_every_layout(layout: str, tmp_path: Path) -> None:
    for first, part in enumerate(("test", "train", "validation")):
        for n in (0, 1):
            name = LAYOUTS[layout].format(part=part, n=n)
            write(tmp_path / "set" / name, 10 * first + 3 * n, 3, names=["a", "b", "c"])
    (tmp_path / "set" / "README.md").write_text("---\n---\n")
    (tmp_path / "set" / ".cache").mkdir()
    (tmp_path / "set" / ".cache" / "x.parquet").write_text("of the hub's client")
    found = read(tmp_path / "set")
    assert found.parts == {"train": 6, "validation": 6, "test": 6}
    check(found, *range(10, 16), *range(20, 26), *range(6))
    assert found.labels.tolist() == [n % 3 for n in (*range(10, 16), *range(20, 26), *range(6))]
    assert found.notes == ()


def test_shards_behind_links_as_the_hubs_client_keeps_them(tmp_path: Path) -> None:
    blob = write(tmp_path / "blobs" / "0af1")
    folder = tmp_path / "snapshots" / "main" / "data"
    folder.mkdir(parents=True)
    (folder / "train-00000-of-00001.parquet").symlink_to(blob)
    check(read(folder.parent), *range(6))


def test_shards_that_are_missing_or_too_many(tmp_path: Path) -> None:
    path = write(tmp_path / "data" / "train-00001-of-00003.parquet")
    with pytest.raises(DataError) as caught:
        read(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path}: of 3 shards of train 2 are missing: data/train-00000-of-00003.parquet, "
        "data/train-00002-of-00003.parquet; "
        "download them, or give one shard's path to read it alone"
    )
    assert read(path).notes == ("one of several shards: give their folder to read all of them",)
    write(tmp_path / "data" / "train-00000-of-00002.parquet")
    with pytest.raises(DataError, match="the shards of train are of 2, 3; expected one set"):
        read(tmp_path)


def test_several_data_sets_in_a_folder_are_in_doubt(tmp_path: Path) -> None:
    for name in ("coarse", "fine"):
        write(tmp_path / name / "train-00000-of-00001.parquet")
    with pytest.raises(DataError, match="several data sets: coarse, fine; give the path of one"):
        read(tmp_path)
    check(read(tmp_path / "fine"), *range(6))


def test_files_of_no_part_are_left_out_where_others_have_one(tmp_path: Path) -> None:
    write(tmp_path / "extra-00000-of-00001.parquet", 50)
    write(tmp_path / "other-00000-of-00001.parquet", 60)
    assert read(tmp_path).parts == {"train": 12}
    write(tmp_path / "train-00000-of-00001.parquet", 0)
    found = read(tmp_path)
    check(found, *range(6))
    assert found.notes[0].startswith("left out, being no part: extra-00000-of-00001.parquet, other")


def test_shards_have_to_agree(tmp_path: Path) -> None:
    write(tmp_path / "test.parquet", names=["a", "b", "c"])
    write(tmp_path / "train.parquet", names=["a", "c", "b"])
    with pytest.raises(
        DataError, match=r"test\.parquet: the columns or the class names are others"
    ):
        read(tmp_path)
    write(tmp_path / "test.parquet", label=["a", "b", "c", "a", "b", "c"])
    with pytest.raises(
        DataError, match=r"test\.parquet: the columns or the class names are others"
    ):
        read(tmp_path)
    write(tmp_path / "test.parquet", label=None)
    with pytest.raises(DataError, match=r"test\.parquet: no column is called 'label'"):
        read(tmp_path)


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


@pytest.mark.parametrize("missing", [{"bytes": None, "path": "/etc/passwd"}, None])
def test_case_03_a_path_alone_is_never_followed(missing: Any, tmp_path: Path) -> None:
    images = pa.array([*rows(0, 5), missing], STRUCT)
    with pytest.raises(
        DataError, match=r"x\.parquet, row 5: the image has no bytes in it; .* not f"
    ):
        read(write(tmp_path / "x.parquet", image=images))


def test_case_09_broken_images_are_counted_and_named(tmp_path: Path) -> None:
    held = rows(0, 6)
    held[2]["bytes"] = b"no image"
    held[4]["bytes"] = held[4]["bytes"][:50]
    with pytest.raises(DataError) as caught:
        read(write(tmp_path / "x.parquet", image=pa.array(held, STRUCT)))
    message = str(caught.value)
    assert "x.parquet: 2 of 6 image files cannot be used: x.parquet, row 2 (" in message
    assert "x.parquet, row 4 (" in message


def test_images_of_mixed_sizes_are_brought_to_one(tmp_path: Path) -> None:
    held = [{"bytes": encoded(pixels(n, n, n)), "path": None} for n in (40, 90, 70)]
    path = write(tmp_path / "x.parquet", count=3, image=pa.array(held, STRUCT))
    found = read(path)
    assert found.notes == ("3 of 3 images (sides 40 to 90 pixels) are squashed to 64x64",)
    for row, n in enumerate((40, 90, 70)):
        picture = Image.fromarray(pixels(n, n, n)).resize((64, 64), Image.BILINEAR)
        np.testing.assert_array_equal(found.images[row], np.asarray(picture))
    assert read(path, size=5).images.shape == (3, 5, 5, 3)
    with pytest.raises(ConfigError, match="image size 5000"):
        read(path, size=5000)


def test_what_does_not_fit_into_memory_is_read_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inventory, "_KEPT_BYTES", 300)
    monkeypatch.setattr(parquet, "_IMAGES", 2)
    monkeypatch.setattr(parquet, "_LABELS", 2)
    check(read(write(tmp_path / "x.parquet", count=11)), *range(11))


def test_rows_that_are_gone_when_read_again_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "x.parquet")
    genuine = decoding._form

    def change(*arguments: Any) -> Any:
        write(path, count=4)
        return genuine(*arguments)

    monkeypatch.setattr(inventory, "_KEPT_BYTES", 300)
    monkeypatch.setattr(decoding, "_form", change)
    with pytest.raises(
        DataError, match=r"2 of 6 .* row 4 \(it is not there any more\), x\.parquet, r"
    ):
        read(path)


@pytest.mark.parametrize("compression", ["snappy", "zstd", "none"])
def test_case_01_a_file_cut_off_anywhere(compression: str, tmp_path: Path) -> None:
    path = write(tmp_path / "x.parquet")
    pq.write_table(pq.read_table(path), path, compression=compression)
    whole = path.read_bytes()
    for end in (0, 1, len(whole) // 2, len(whole) - 1, *range(2, len(whole), 211)):
        path.write_bytes(whole[:end])
        with pytest.raises(DataError, match=r"x\.parquet: the Parquet file is damaged or cut off"):
            read(path)


def test_case_02_flipped_bits_with_checksums_are_an_error_or_change_nothing(tmp_path: Path) -> None:
    path = write(tmp_path / "x.parquet", count=2, label=["a", "b"])
    pq.write_table(pq.read_table(path), path, write_page_checksum=True, compression="zstd")
    whole = path.read_bytes()
    generator = np.random.default_rng(0)
    refused = 0
    for at in generator.choice(len(whole), 60, replace=False):
        data = bytearray(whole)
        data[at] ^= 1 << int(generator.integers(8))
        path.write_bytes(data)
        try:
            found = read(path)
        except DataError:
            refused += 1
        else:
            check(found, 0, 1)
    assert refused > 10


def test_too_many_rows_in_few_bytes_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet_file, "_MAX_ROWS", 100_000)
    same = pa.DictionaryArray.from_arrays(pa.array([0] * 200_000, pa.int32()), [encoded(pixels(0))])
    table = pa.table({"image": same.cast(pa.binary()), "label": [0, 1] * 100_000})
    pq.write_table(table, tmp_path / "x.parquet")
    assert (tmp_path / "x.parquet").stat().st_size < 100_000
    with pytest.raises(DataError, match="too many rows; expected at most 100,000"):
        read(tmp_path / "x.parquet")


def test_case_06_a_bomb_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cnnlab.data.archive._FREE_BYTES", 1 << 20)
    table = pa.table({"image": [bytes(2 << 20) for _ in range(4)], "label": [0, 1, 0, 1]})
    pq.write_table(table, tmp_path / "x.parquet", compression="zstd", use_dictionary=False)
    with pytest.raises(DataError, match="refused as a bomb"):
        read(tmp_path / "x.parquet")


def test_without_pyarrow_there_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "x.parquet")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(DataError) as caught:
        read(path)
    assert str(caught.value) == (
        f"{path}: reading Parquet files needs pyarrow, which is not installed; pip install pyarrow"
    )


def test_a_parquet_file_beside_class_folders_is_no_data_set(tmp_path: Path) -> None:
    folder = write_classes(tmp_path / "pets", {"cat": 1, "dog": 1})
    write(folder / "index.parquet")
    assert form_of(folder)[0] is FORMS[-1]


def test_the_content_tells_whatever_the_name(tmp_path: Path) -> None:
    path = write(tmp_path / "0af1")
    assert form_of(path)[0] is parquet.FORM
    check(read(path), *range(6))


def test_from_the_path_to_the_dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CNNLAB_HOME", str(tmp_path / "home"))
    folder = tmp_path / "mine"
    write(folder / "data" / "train-00000-of-00001.parquet", names=["a", "b", "c"])
    path = write(folder / "data" / "test-00000-of-00001.parquet", 6, names=["a", "b", "c"])
    dataset = open_dataset(str(folder))
    assert dataset.name == "mine"
    assert dataset.parts == {"train": 6, "test": 6}
    write(path, 30, names=["a", "b", "c"])
    assert open_dataset(str(folder)).fingerprint != dataset.fingerprint
    assert open_dataset(str(path)).name == "test-00000-of-00001"


def test_a_file_without_rows_is_named(tmp_path: Path) -> None:
    empty = tmp_path / "empty.parquet"
    pq.write_table(
        pa.table({"image": pa.array([], pa.binary()), "label": pa.array([], "i8")}), empty
    )
    with pytest.raises(DataError, match="no rows"):
        read(empty)


def test_copies_of_the_class_names_that_differ_are_damage(tmp_path: Path) -> None:
    path = write(tmp_path / "set.parquet", names=["cat", "dog", "owl"])
    content = path.read_bytes()
    assert content.count(b"ClassLabel") == 1  # the other copy is packed in base64
    path.write_bytes(content.replace(b"ClassLabel", b"ClaskLabel"))
    with pytest.raises(DataError, match="two copies of the class names differ"):
        read(path)
