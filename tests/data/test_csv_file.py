"""A CSV file beside the images that it names, given by its own path."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from class_folders import encoded, pixels

from cnnlab.data import open_dataset
from cnnlab.data.forms import csv_file
from cnnlab.data.source import Decoded, ReadOptions
from cnnlab.errors import ConfigError, DataError, UnknownNameError


def read(path: Path, *, size: int | None = None, **own: Any) -> Decoded:
    form = csv_file.FORM
    options = ReadOptions(size, own=own).filled(str(path), form.options)
    found = form.recognise(path)
    assert found is not None
    return form.read(found, options, lambda shape: np.full(shape, 77, np.uint8))


def write(folder: Path, *names: str) -> Path:
    """Write the image of its number under each name."""
    for number, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded(pixels(number)))
    return folder


def table(folder: Path, *rows: tuple[str, ...], name: str = "labels.csv") -> Path:
    with (folder / name).open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    return folder / name


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path / "pets", "a.png", "img/b.png", "img/deep er/c.png", "d.jpg")


def test_rows_stay_in_the_order_of_the_table(folder: Path) -> None:
    path = table(
        folder,
        ("file", "label"),
        ("img/deep er/c.png", "dog"),
        ("./a.png", 'c"at, <script> ü'),
        ("img//b.png", "dog"),
    )
    found = read(path)
    for row, number in enumerate((2, 0, 1)):
        np.testing.assert_array_equal(found.images[row], pixels(number))
    assert [found.class_names[label] for label in found.labels] == [
        "dog",
        'c"at, <script> ü',
        "dog",
    ]
    assert found.parts == {"train": 3}
    assert found.notes == ()


def test_parts_come_in_their_order_each_in_the_tables(folder: Path) -> None:
    path = table(
        folder,
        ("file", "label", "split"),
        ("a.png", "10", "test"),
        ("d.jpg", "9", "train"),
        ("img/b.png", "10", "val"),
        ("img/deep er/c.png", "10", "train"),
    )
    found = read(path)
    assert found.parts == {"train": 2, "validation": 1, "test": 1}
    assert found.class_names == ("9", "10")
    assert found.notes == (
        "labels are not 0 to 1: the classes are called 9, 10",
        "validation has no images of: 9",
        "test has no images of: 9",
    )
    assert found.labels.tolist() == [0, 1, 1, 1]
    for row, number in enumerate((3, 2, 1, 0)):
        np.testing.assert_array_equal(found.images[row], pixels(number))


def test_paths_as_windows_writes_them(folder: Path) -> None:
    found = read(table(folder, ("img\\b.png", "cat"), ("a.png", "dog")))
    np.testing.assert_array_equal(found.images[0], pixels(1))


def test_as_kaggle_lays_it_out(tmp_path: Path) -> None:
    folder = write(tmp_path, "train/1.png", "train/2.png", "test/1.png", "test/2.png")
    path = table(folder, ("id", "label"), ("2", "frog"), ("1", "truck"), name="trainLabels.csv")
    found = read(path)
    np.testing.assert_array_equal(found.images, [pixels(1), pixels(0)])
    assert found.class_names == ("frog", "truck")
    path = table(folder, ("id", "label"), ("2", "frog"), ("1", "truck"), name="mine.csv")
    with pytest.raises(DataError, match=r"mine\.csv, line 2: '2' is in test/, train/; .* begin wi"):
        read(path)


def test_one_folder_beside_the_table_may_hold_them(tmp_path: Path) -> None:
    folder = write(tmp_path, "jpg/x.y.png", "jpg/z.PNG", "other/q.png")
    found = read(table(folder, ("x.y", "a"), ("z", "b"), name="mine.tsv"))
    np.testing.assert_array_equal(found.images, [pixels(0), pixels(1)])


def test_a_name_without_ending_that_may_be_two_files(tmp_path: Path) -> None:
    folder = write(tmp_path, "x.png", "x.jpg", "y.png")
    with pytest.raises(DataError, match=r"line 2: 'x' may be x\.jpg, x\.png; write the ending"):
        read(table(folder, ("y", "a"), ("x", "b")))


def test_a_file_without_any_ending_is_an_image_if_the_table_says_so(tmp_path: Path) -> None:
    folder = write(tmp_path, "0af", "1bc")
    found = read(table(folder, ("0af", "a"), ("1bc", "b")))
    np.testing.assert_array_equal(found.images, [pixels(0), pixels(1)])


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("../outside.png", 'a path with ".."'),
        ("img/../../outside.png", 'a path with ".."'),
        ("..\\outside.png", 'a path with ".."'),
        ("/etc/passwd", "an absolute path"),
        ("C:/x.png", "a path with a drive letter"),
        ("C:\\x.png", "a path with a drive letter"),
        ("https://example.org/x.png", "an address, and nothing is fetched"),
        ("file:///etc/passwd", "an address"),
        ("x/" * 40 + "x.png", "a path of more than 32 folders"),
    ],
)
@pytest.mark.parametrize("line", [1, 2])
def test_case_06_a_path_that_leads_out_is_refused(
    line: int, file: str, said: str, folder: Path
) -> None:
    write(folder.parent, "outside.png")
    rows = [("a.png", "cat"), ("d.jpg", "dog")]
    rows.insert(line - 1, (file, "cat"))
    with pytest.raises(DataError, match=rf"labels\.csv, line {line}: .* is {said}"):
        read(table(folder, *rows))


def test_case_06_links_that_lead_out_are_refused_and_others_are_not(folder: Path) -> None:
    write(folder.parent, "outside/x.png")
    (folder / "link.png").symlink_to(folder.parent / "outside" / "x.png")
    (folder / "linked").symlink_to(folder.parent / "outside")
    (folder / "fine.png").symlink_to(folder / "a.png")
    (folder / "well").symlink_to(folder / "img")
    for file in ("link.png", "linked/x.png", "linked/x"):
        with pytest.raises(
            DataError, match=r"line 2: .* is behind a link that leads out of the fo"
        ):
            read(table(folder, ("a.png", "cat"), (file, "dog")))
    found = read(table(folder, ("fine.png", "cat"), ("well/b.png", "dog")))
    np.testing.assert_array_equal(found.images, [pixels(0), pixels(1)])


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([("e.png", "x"), ("a.png", "y")], r"line 1: there is no image file 'e\.png'"),
        ([("a.png", "x"), ("e.png", "y")], r"line 2: there is no image file 'e\.png'; expected"),
        ([("a.png", "x"), ("no/a.png", "y")], "line 2: there is no image file 'no/a"),
        ([("a.png", "x"), ("a.png/a.png", "y")], "line 2: there is no image file"),
        ([("a.png", "x"), ("img", "y")], "line 2: there is no image file 'img'"),
        ([("a.png", "x"), ("d.jpg", "y"), ("./a.png", "x")], "line 3: .* stands on line 1 already"),
        ([("a.png", "x"), ("d.jpg", "y"), ("a", "y")], "line 3: 'a' stands on line 1 already"),
        ([("a.png", "x"), ("d.jpg", "x")], "only one class, 'x'"),
        ([("a.png", "0"), ("d.jpg", "-1")], "line 2: label -1; expected 0 or more"),
        ([("a.png", "x", "train"), ("d.jpg", "y", "test")], "line 2: class 'y' is in test but not"),
        ([("a.png", "x", "test"), ("d.jpg", "y", "test")], "there are no images to train on"),
    ],
)
def test_rows_that_are_wrong_are_named(
    rows: list[tuple[str, ...]], said: str, folder: Path
) -> None:
    with pytest.raises(DataError, match=rf"labels\.csv(, |: ).*{said}|labels\.csv, {said}"):
        read(table(folder, *rows))


def test_case_09_broken_images_are_named_before_training(folder: Path) -> None:
    (folder / "text.png").write_text("no image")
    (folder / "cut.png").write_bytes(encoded(pixels(9))[:60])
    rows = [("a.png", "x"), ("text.png", "y"), ("cut.png", "x")]
    with pytest.raises(DataError) as caught:
        read(table(folder, *rows))
    message = str(caught.value)
    assert "labels.csv: 2 of 3 image files cannot be used: text.png (" in message
    assert "cut.png (" in message


def test_a_pipe_is_no_image(folder: Path) -> None:
    os.mkfifo(folder / "pipe.png")
    with pytest.raises(DataError, match=r"pipe\.png \(not a regular file\)"):
        read(table(folder, ("a.png", "x"), ("pipe.png", "y")))


def test_a_folder_that_may_not_be_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = table(folder, ("a.png", "x"), ("img/b.png", "y"))
    genuine = os.scandir

    def refuse(place: Path) -> Any:
        if str(place).endswith("img"):
            raise PermissionError(13, "Permission denied")
        return genuine(place)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(DataError, match=r"/img: cannot be read: permission denied"):
        read(path)


def test_only_the_named_files_are_looked_at(folder: Path, tmp_path: Path) -> None:
    (folder / "broken.png").write_text("no image")
    (folder / "loop").symlink_to(folder)
    path = table(folder, ("a.png", "x"), ("img/b.png", "y"))
    assert len(read(path).labels) == 2
    form = csv_file.FORM
    found = form.recognise(path)
    assert found is not None
    options = ReadOptions().filled("x", form.options)
    before = form.identity(found, options)
    (folder / "runs").mkdir()
    (folder / "broken.png").write_text("still none")
    assert form.identity(found, options) == before
    os.utime(folder / "img" / "b.png", ns=(1, 1))
    assert form.identity(found, options) != before


def test_sizes_are_brought_to_one_as_in_class_folders(tmp_path: Path) -> None:
    for name, side in (("a/1.png", 40), ("b/1.png", 90), ("b/2.png", 70)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(encoded(pixels(side, side, side)))
    folders = open_dataset(str(tmp_path))
    path = table(tmp_path, ("a/1.png", "a"), ("b/1.png", "b"), ("b/2.png", "b"), name="x.csv")
    found = read(path)
    np.testing.assert_array_equal(found.images, folders.images)
    assert found.notes == (
        "3 of 3 images (sides 40 to 90 pixels) are squashed to 64x64; "
        "--image-size asks for another side",
    )
    assert read(path, size=5).images.shape == (3, 5, 5, 3)
    with pytest.raises(ConfigError, match="image size 5000"):
        read(path, size=5000)


def test_from_the_path_to_the_dataset(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CNNLAB_HOME", str(tmp_path / "home"))
    rows = [("who", "what", "scan"), ("x", "cat", "a.png"), ("y", "dog", "d.jpg")]
    path = str(table(folder, *rows))
    with pytest.raises(DataError, match=r"data\.file_column=NAME"):
        open_dataset(path)
    own = {"file_column": "scan", "label_column": "what"}
    dataset = open_dataset(path, options=ReadOptions(own=own))
    assert dataset.class_names == ("cat", "dog")
    assert dataset.name == "pets"
    other = {"file_column": "scan", "label_column": "who"}
    assert open_dataset(path, options=ReadOptions(own=other)).class_names == ("x", "y")
    with pytest.raises(UnknownNameError, match="did you mean 'label_column'"):
        open_dataset(path, options=ReadOptions(own={"labels_column": "x"}))
    renamed = Path(path).rename(folder / "scans.csv")
    assert open_dataset(str(renamed), options=ReadOptions(own=own)).name == "scans"


def test_a_link_in_a_circle_and_a_name_without_end_are_named(tmp_path: Path) -> None:
    """Found by fuzzing: the first was a traceback, the second said neither table nor line."""
    (tmp_path / "round.png").symlink_to("round.png")
    for name in ("round.png", "x" * 70_000 + "/1.png"):
        (tmp_path / "labels.csv").write_text(f"{name},cat\n", encoding="utf-8")
        with pytest.raises(DataError, match=r"labels\.csv|round\.png") as caught:
            open_dataset(str(tmp_path / "labels.csv"))
        assert len(str(caught.value)) < 5_000
