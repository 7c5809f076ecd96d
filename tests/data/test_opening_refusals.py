"""What a user types that is no dataset, and what is said of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from class_folders import encoded, pixels, write_classes

from cnnlab.data import open_dataset
from cnnlab.data.source import SOURCES
from cnnlab.errors import DataError, UnknownNameError

pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_classes(tmp_path / "pets", {"train/cat": 3, "train/dog": 2, "test/dog": 2})


@pytest.mark.parametrize("name", ["cifa10", "CIFAR10", "digit", "fashon-mnist"])
def test_a_mistyped_name_gets_a_suggestion(name: str) -> None:
    with pytest.raises(UnknownNameError, match=r"did you mean '.*'\?.* path of a folder or arch"):
        open_dataset(name)


def test_an_unknown_name_gets_the_choices() -> None:
    with pytest.raises(UnknownNameError) as caught:
        open_dataset("zebras")
    for name in SOURCES:
        assert name in str(caught.value)


@pytest.mark.parametrize("source", ["", "\0", "a\0b"])
def test_no_name_at_all(source: str) -> None:
    with pytest.raises(UnknownNameError, match="choose from"):
        open_dataset(source)


@pytest.mark.parametrize(
    "path", ["./nowhere", "/no/where", "~/no/where", "~nobody-of-this-name/x", "nowhere.tar.gz"]
)
def test_a_path_that_does_not_exist(path: str) -> None:
    with pytest.raises(DataError, match="no such file or folder; expected a folder or archive"):
        open_dataset(path)


def test_a_missing_path_like_a_known_name_gets_a_suggestion() -> None:
    with pytest.raises(DataError, match="did you mean the dataset 'fashion-mnist'"):
        open_dataset("data/fashion_mnist.zip")


def test_a_path_below_a_file_or_too_long(folder: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        open_dataset(str(folder / "train" / "cat" / "0.png" / "x"))
    with pytest.raises(DataError, match="name too long"):
        open_dataset(f"./{'x' * 5000}")


@pytest.mark.parametrize("name", ["photo.png", "photo.JPG"])
def test_a_single_image_is_no_dataset(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(encoded(pixels(1)))
    with pytest.raises(DataError, match="the file is a single image; expected a folder of class"):
        open_dataset(str(tmp_path / name))


@pytest.mark.parametrize("name", ["notes.txt", "model.pt", "noending"])
def test_an_unknown_kind_of_file(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"whatever")
    with pytest.raises(DataError, match=r"no archive known here; expected .*\.zip, \.tar"):
        open_dataset(str(tmp_path / name))


def test_a_device_is_no_dataset() -> None:
    with pytest.raises(DataError, match="neither a folder nor a file"):
        open_dataset("/dev/null")
