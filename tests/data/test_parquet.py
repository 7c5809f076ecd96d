"""Parquet in the Hugging Face image form, written by pyarrow and pandas as the hub's tools do."""

from __future__ import annotations

from pathlib import Path

import pytest
from class_folders import write_classes
from parquet_files import check, read, write

from cnnlab.data import open_dataset
from cnnlab.data.forms import FORMS, form_of, parquet
from cnnlab.errors import DataError


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


def test_a_parquet_file_beside_class_folders_is_no_data_set(tmp_path: Path) -> None:
    folder = write_classes(tmp_path / "pets", {"cat": 1, "dog": 1})
    write(folder / "index.parquet")
    assert form_of(folder)[0] is FORMS[-1]


@pytest.mark.parametrize("name", ["train/index.parquet", "a/meta.parquet", "cat/0001.parquet"])
def test_an_index_among_images_is_no_data_set(name: str, tmp_path: Path) -> None:
    folder = write_classes(tmp_path / "pets", {"train/cat": 1, "train/dog": 1})
    write(folder / "train-00000-of-00001.parquet")
    write(folder / name)
    assert form_of(folder)[0] is FORMS[-1]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_picture_beside_shards_is_left_out_and_said(layout: str, tmp_path: Path) -> None:
    for n in (0, 1):
        write(tmp_path / LAYOUTS[layout].format(part="train", n=n), 3 * n, 3)
    write_classes(tmp_path, {"assets": 2})
    assert form_of(tmp_path)[0] is parquet.FORM
    found = read(tmp_path)
    check(found, *range(6))
    assert found.notes == ("left out, being no Parquet: assets/0.png, assets/1.png",)


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
