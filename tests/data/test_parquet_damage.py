"""Hostile and damaged Parquet files, and rows that do not fit into memory."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from class_folders import encoded, pixels
from parquet_files import STRUCT, check, read, rows, write
from PIL import Image
from pyarrow import parquet as pq

from cnnlab.data import decoding, inventory
from cnnlab.data.forms import parquet, parquet_file
from cnnlab.errors import ConfigError, DataError


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
    assert found.notes == (
        "3 of 3 images (sides 40 to 90 pixels) are squashed to 64x64; "
        "--image-size asks for another side",
    )
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


def test_a_file_that_may_not_be_read_is_not_called_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "x.parquet")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, f"Failed to open local file '{path}'. Detail: [errno 13] ...")

    monkeypatch.setattr(pq, "ParquetFile", refuse)
    with pytest.raises(DataError) as caught:
        read(path)
    assert str(caught.value) == f"{path}: cannot be read: permission denied"
