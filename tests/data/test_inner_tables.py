"""Tables of files among the images of a folder or an archive."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from class_folders import ARCHIVES, encoded, pack, pixels, write_classes
from test_csv_file import table, write

from cnnlab.data.forms import image_files
from cnnlab.data.source import Decoded, ReadOptions
from cnnlab.errors import DataError


def read(path: Path) -> Decoded:
    form = image_files.FORM
    found = form.recognise(path)
    assert found is not None
    return form.read(found, ReadOptions(), lambda shape: np.zeros(shape, np.uint8))


@pytest.fixture
def flat(tmp_path: Path) -> Path:
    folder = write(tmp_path / "pets", "1.png", "2.png", "3.png")
    table(folder, ("file", "label"), ("3.png", "dog"), ("1.png", "cat"), ("2.png", "dog"))
    return folder


@pytest.mark.parametrize("prefix", ["", "wrapped/"])
@pytest.mark.parametrize("kind", ["", *ARCHIVES])
def test_images_that_lie_together_are_told_by_the_table(kind: str, prefix: str, flat: Path) -> None:
    if not kind and prefix:
        flat = flat.rename(flat.with_name("inner"))
        (flat.parent / "outer").mkdir()
        flat.rename(flat.parent / "outer" / "wrapped")
        flat = flat.parent / "outer"
    found = read(pack(flat, kind, prefix) if kind else flat)
    np.testing.assert_array_equal(found.images, [pixels(2), pixels(0), pixels(1)])
    assert found.labels.tolist() == [1, 0, 1]
    assert found.class_names == ("cat", "dog")
    assert found.parts == {"train": 3}
    assert found.notes == ()


@pytest.mark.parametrize("kind", ["", "zip", "tar.gz"])
def test_kaggles_layout(kind: str, tmp_path: Path) -> None:
    folder = write(tmp_path / "x", "train/1.png", "train/2.png", "test/1.png", "test/2.png")
    table(folder, ("id", "label"), ("2", "frog"), ("1", "truck"), name="trainLabels.csv")
    table(folder, ("id", "label"), ("1", "cat"), name="sampleSubmission.csv")
    found = read(pack(folder, kind) if kind else folder)
    np.testing.assert_array_equal(found.images, [pixels(1), pixels(0)])
    assert found.notes == (
        "ignored, being no images: 1 x *.csv",
        "images left out, as no table names them: 2",
    )


def test_a_table_for_each_part(tmp_path: Path) -> None:
    folder = write(tmp_path, "images/1.png", "images/2.png", "images/3.png", "images/4.png")
    table(folder, ("file", "label"), ("2", "a"), ("1", "b"), name="train.csv")
    table(folder, ("file", "label"), ("4", "b"), name="val.csv")
    table(folder, ("file", "label"), ("3", "a"), name="test.csv")
    found = read(folder)
    np.testing.assert_array_equal(found.images, [pixels(n) for n in (1, 0, 3, 2)])
    assert found.parts == {"train": 2, "validation": 1, "test": 1}
    table(folder, ("id",), ("3",), name="test.csv")
    found = read(folder)
    assert found.parts == {"train": 2, "validation": 1}
    assert found.notes == (
        "validation has no images of: a",
        "test.csv is left out: only one column, 'id'",
        "ignored, being no images: 1 x *.csv",
        "images left out, as no table names them: 1",
    )
    table(folder, ("file", "label"), ("1", "a"), name="test.csv")
    with pytest.raises(DataError, match=r"'images/1\.png' stands in two tables"):
        read(folder)
    table(folder, ("file",), ("1",), name="train.csv")
    with pytest.raises(DataError, match=r"train\.csv, line 1: only one column"):
        read(folder)


@pytest.mark.parametrize("folder", ["", "images/", "test/"])
def test_tables_of_which_none_has_labels(folder: str, tmp_path: Path) -> None:
    write(tmp_path, f"{folder}1.png", f"{folder}2.png")
    table(tmp_path, ("id",), ("1",), name="test.csv")
    with pytest.raises(DataError, match=r"no table has labels: test\.csv; expected labels\.csv or"):
        read(tmp_path)


@pytest.mark.parametrize("name", ["test.csv", "validation.csv"])
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"file,label\n3,a\n4,\n", "line 3: the label is empty"),
        (b"file,label\n3,a\n4\n", "line 3: 1 values"),
        (b"file,label\n3,\xe4\n", "line 2: the text is not UTF-8"),
        (b"", "the table is empty"),
    ],
)
def test_a_broken_table_of_a_part_is_not_left_out(
    name: str, content: bytes, said: str, tmp_path: Path
) -> None:
    folder = write(tmp_path, "images/1.png", "images/2.png", "images/3.png", "images/4.png")
    table(folder, ("file", "label"), ("2", "a"), ("1", "b"), name="train.csv")
    (folder / name).write_bytes(content)
    with pytest.raises(DataError, match=rf"{name}.*{said}"):
        read(folder)


def test_two_tables_of_everything_are_in_doubt(flat: Path) -> None:
    table(flat, ("1.png", "x"), ("2.png", "y"), name="metadata.csv")
    with pytest.raises(DataError, match=r"labels\.csv, metadata\.csv may each name the images"):
        read(flat)


@pytest.mark.parametrize("kind", ["", "zip"])
def test_errors_name_the_table_and_its_line(kind: str, flat: Path) -> None:
    table(flat, ("1.png", "x"), ("9.png", "y"))
    path = pack(flat, kind) if kind else flat
    with pytest.raises(DataError, match=rf"{path}: labels\.csv, line 2: .* no image file '9\.png'"):
        read(path)
    table(flat, ("1.png", "x"), ("../9.png", "y"))
    with pytest.raises(DataError, match=r"labels\.csv, line 2: .* a path with \"\.\.\""):
        read(pack(flat, kind) if kind else flat)


def test_class_folders_come_before_a_table(tmp_path: Path) -> None:
    folder = write_classes(tmp_path / "pets", {"train/cat": 2, "train/dog": 2, "test/dog": 1})
    expected = read(folder)
    ignored = "ignored, being no images: 1 x *.csv"
    unused = "labels.csv is not used, since folders tell the classes:"
    for rows, notes in (
        ([("train/cat/0.png", "cat"), ("train/dog/0.png", "dog")], []),
        ([("train/cat/0.png", "0"), ("train/dog/0.png", "1"), ("test/dog/0.png", "1")], []),
        ([("train/cat/0.png", "0"), ("train/dog/9.png", "0"), ("../dog/0.png", "0")], []),
        # Names of classes, not of files.
        (
            [("id", "class"), ("0", "cat"), ("1", "dog")],
            [f"{unused} there is no image file '0'"],
        ),
        ([("only one column",)], [f"{unused} only one column, 'only one column'"]),
        ([("train/cat/0.png", "")], [f"{unused} the label is empty"]),
    ):
        table(folder, *rows)
        found = read(folder)
        np.testing.assert_array_equal(found.images, expected.images)
        assert found.notes == (*expected.notes, ignored, *notes)


@pytest.mark.parametrize(
    "rows",
    [
        [("train/cat/0.png", "x"), ("train/dog/0.png", "x")],
        [("train/cat/0.png", "x"), ("train/cat/1.png", "y")],
        [("train/cat/0.png", "x"), ("train/dog/0.png", "y"), ("train/dog/1.png", "x")],
        # Files that are not there, named before and between those that are.
        [("9.png", "x"), ("train/cat/0.png", "x"), ("8.png", "y"), ("train/dog/0.png", "x")],
        [("train/cat/0.png", "x"), ("../0.png", "y"), ("train/dog/0.png", "x")],
        [("train/cat/0.png", "x"), ("train/dog/0.png", "y"), ("train/dog/0.png", "x")],
    ],
)
def test_a_table_that_contradicts_the_folders_is_refused(
    rows: list[tuple[str, ...]], tmp_path: Path
) -> None:
    folder = write_classes(tmp_path / "pets", {"train/cat": 2, "train/dog": 2})
    table(folder, *rows)
    with pytest.raises(DataError, match=r"labels\.csv: the table groups the images otherwise than"):
        read(folder)


DOUBTFUL = ({"valid": 2, "invalid": 2}, {"cat": 2, "test": 2}, {"train": 2, "other": 2})


@pytest.mark.parametrize("counts", DOUBTFUL)
def test_a_class_called_like_a_part_beside_a_table_of_something_else(
    counts: dict[str, int], tmp_path: Path
) -> None:
    folder = write_classes(tmp_path / "x", counts)
    expected = read(folder)
    assert expected.class_names == tuple(sorted(counts))
    for rows, reason in (
        ([("key", "value"), ("licence", "MIT")], "there is no image file 'key'"),
        ([("only one column",)], "only one column, 'only one column'"),
    ):
        table(folder, *rows, name="metadata.csv")
        found = read(folder)
        np.testing.assert_array_equal(found.images, expected.images)
        assert found.labels.tolist() == expected.labels.tolist()
        assert found.notes == (
            "ignored, being no images: 1 x *.csv",
            f"metadata.csv is not used, since folders tell the classes: {reason}",
        )


@pytest.mark.parametrize("counts", DOUBTFUL)
def test_a_class_called_like_a_part_beside_a_table_of_the_images(
    counts: dict[str, int], tmp_path: Path
) -> None:
    folder = write_classes(tmp_path / "x", counts)
    one, other = counts
    alike = [(f"{name}/{at}.png", f"a {name}") for name in counts for at in (0, 1)]
    table(folder, *alike)
    assert read(folder).class_names == tuple(sorted(counts))
    assert read(folder).notes == ("ignored, being no images: 1 x *.csv",)
    table(folder, *alike, (f"{one}/9.png", "a file that is gone"))
    assert read(folder).class_names == tuple(sorted(counts))
    table(folder, (f"{one}/0.png", "x"), (f"{one}/1.png", "y"), (f"{other}/0.png", "y"))
    found = read(folder)
    assert found.class_names == ("x", "y")
    assert found.labels.tolist() == [0, 1, 1]
    said = f"classes are those of labels.csv, not of the folders {', '.join(sorted(counts))}"
    assert said in found.notes
    table(folder, (f"{one}/0.png", "x"), (f"{one}/1.png", "y"), (f"{other}/9.png", "y"))
    with pytest.raises(DataError, match=rf"labels\.csv, line 3: .* no image file '{other}/9\.png'"):
        read(folder)


def test_images_beside_test_images_are_told_by_a_table(tmp_path: Path) -> None:
    folder = write(tmp_path, "images/1.png", "images/2.png", "test/3.png")
    table(folder, ("id", "label"), ("1", "b"), ("2", "a"), name="train.csv")
    table(folder, ("id",), ("3",), name="test.csv")
    found = read(folder)
    assert found.class_names == ("a", "b")
    assert found.labels.tolist() == [1, 0]
    assert found.notes == (
        "classes are those of train.csv, not of the folders images, test",
        "test.csv is left out: only one column, 'id'",
        "ignored, being no images: 1 x *.csv",
        "images left out, as no table names them: 1",
    )
    table(folder, ("id", "label"), ("1", "b"), ("2", "b"), name="train.csv")
    with pytest.raises(DataError, match="only one class, 'b'"):
        read(folder)
    table(folder, ("id", "label"), ("1", ""), ("2", "a"), name="train.csv")
    with pytest.raises(DataError, match=r"train\.csv, line 2: the label is empty"):
        read(folder)  # and no classes "images" and "test"


def test_a_table_below_some_of_the_images_is_none_of_all(tmp_path: Path) -> None:
    folder = write_classes(tmp_path / "pets", {"cat": 2, "dog": 2})
    table(folder / "cat", ("0.png", "x"), ("1.png", "y"))
    assert read(folder).class_names == ("cat", "dog")


def test_parts_without_classes_or_table_are_no_classes(tmp_path: Path) -> None:
    folder = write(tmp_path / "x", "train/1.png", "train/2.png", "test/1.png")
    with pytest.raises(
        DataError, match=r"test/, train/ hold images, and no class folders; .*\.csv"
    ):
        read(folder)


def test_unlisted_images_decide_neither_size_nor_colour(tmp_path: Path) -> None:
    folder = write(tmp_path / "x", "1.png", "2.png")
    (folder / "large.png").write_bytes(encoded(pixels(5, 300, 300)))
    (folder / "broken.png").write_text("none")
    for name in ("1.png", "2.png"):
        (folder / name).write_bytes(encoded(pixels(1, channels=1)))
    table(folder, ("1.png", "a"), ("2.png", "b"))
    found = read(folder)
    assert found.images.shape == (2, 8, 8, 1)
    assert found.notes == ("images left out, as no table names them: 2",)


def test_no_images_at_all(tmp_path: Path) -> None:
    table(tmp_path, ("1.png", "a"), ("2.png", "b"))
    with pytest.raises(DataError, match="no class folders with images"):
        read(tmp_path)
