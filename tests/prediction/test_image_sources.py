"""Files, folders, standard input and arrays become images to be read."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnnlab.errors import DataError, InputError
from cnnlab.prediction.sources import gather

CLASSES = ("cat", "dog")


def _image(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (4, 3), "red").save(path, "png")
    return path


def _paths(folder: Path, *names: str) -> list[str]:
    return [str(folder / name) for name in names]


def test_case_08_a_folder_is_searched_and_litter_is_said_once(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    for name in ("b.PNG", "a/z.png", "a/2/y.jpg", "c.heic"):
        _image(folder / name)
    for name in (".DS_Store", "a/.DS_Store", "Thumbs.db", "notes.txt", ".hidden/x.png"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"")
    said: list[str] = []
    found = gather(folder, CLASSES, say=said.append)
    assert [each.path for each in found] == _paths(
        folder, "a/2/y.jpg", "a/z.png", "b.PNG", "c.heic"
    )
    (line,) = said
    assert "2 x .DS_Store" in line
    assert "1 x *.txt" in line
    assert "Thumbs.db" in line


def test_what_is_named_is_taken_whatever_it_is_called(tmp_path: Path) -> None:
    odd = _image(tmp_path / ".picture")
    found = gather([odd, tmp_path / "missing", str(odd)], CLASSES)
    assert [each.path for each in found] == [str(odd), str(tmp_path / "missing"), str(odd)]
    assert found[0].read() == odd.read_bytes()
    with pytest.raises(DataError, match="missing: cannot be read: no such file"):
        found[1].read()


def test_a_pipe_that_is_named_is_read_and_one_that_lies_about_is_not_waited_for(
    tmp_path: Path,
) -> None:
    reading, writing = os.pipe()
    os.write(writing, b"an image")
    os.close(writing)
    (named,) = gather(f"/dev/fd/{reading}", CLASSES)
    assert named.read() == b"an image"
    os.close(reading)
    os.mkfifo(tmp_path / "pipe.png")
    (lying,) = gather(tmp_path, CLASSES)
    with pytest.raises(DataError, match="not a regular file"):
        lying.read()


def test_standard_input_is_one_image(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"bytes")))
    (source,) = gather("-", CLASSES)
    assert (source.path, source.read()) == ("-", b"bytes")
    with pytest.raises(InputError, match="standard input holds one image"):
        gather(["-", "-"], CLASSES)
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(DataError, match="standard input: it is closed"):
        source.read()


def test_arrays_are_images() -> None:
    many = np.arange(2 * 3 * 4 * 3, dtype=np.uint8).reshape(2, 3, 4, 3)
    found = gather(many, CLASSES)
    assert [each.path for each in found] == ["array[0]", "array[1]"]
    np.testing.assert_array_equal(found[1].read(), many[1])
    (grey,) = gather(np.zeros((5, 6), dtype=np.uint8), CLASSES)
    assert np.shape(grey.read()) == (5, 6, 1)
    assert [each.path for each in gather([many[0], many], CLASSES)] == [
        "array 0",
        "array 1[0]",
        "array 1[1]",
    ]
    wrong = [many.astype(float), many[..., :2], np.zeros(3, dtype=np.uint8), many[None]]
    wrong += [np.zeros(shape, dtype=np.uint8) for shape in ((0, 3), (0, 3, 3), (2, 3, 0, 3))]
    for array in wrong:
        with pytest.raises(InputError, match="pixels are"):
            gather(array, CLASSES)


def test_folders_called_as_classes_are_tell_the_truth(tmp_path: Path) -> None:
    for name in ("cat/1.png", "dog/2.png", "dog/more/3.png"):
        _image(tmp_path / name)
    assert [each.true_class for each in gather(tmp_path, CLASSES)] == [0, 1, 1]
    # "é" in one letter, and in two, as macOS has it.
    _image(tmp_path / "other" / "cafe\u0301" / "1.png")
    (cafe,) = gather(tmp_path / "other", ("dog", "caf\u00e9"))
    assert cafe.true_class == 1


def test_one_folder_that_is_no_class_means_no_truth(tmp_path: Path) -> None:
    for name in ("cat/1.png", "bird/2.png", "3.png"):
        _image(tmp_path / name)
    said: list[str] = []
    assert {each.true_class for each in gather(tmp_path, CLASSES, say=said.append)} == {None}
    assert said == [
        f"{tmp_path}: no accuracy, for these are no classes: images outside class folders, bird/"
    ]
    assert {each.true_class for each in gather(tmp_path, ("x", "y"), say=pytest.fail)} == {None}


def test_nothing_to_ask_about(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no image is asked about"):
        gather([], CLASSES)
    with pytest.raises(InputError, match="an empty name"):  # as a path it would be this folder
        gather("", CLASSES)
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(DataError, match="no image files"):
        gather(tmp_path, CLASSES)
