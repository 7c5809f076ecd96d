"""CIFAR-10 as JPEG files: found, verified, never downloaded."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from class_folders import pack, write_classes

from cnnlab.data import cifar10_jpeg, open_dataset
from cnnlab.data.cifar10_jpeg import Cifar10Jpeg
from cnnlab.errors import (
    ChecksumError,
    DataError,
    DownloadError,
)
from cnnlab.files import sha256_of_file

pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture
def tiny_jpeg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """CNNLAB_DATA with a small archive that passes for cifar10-jpeg's."""
    pets = write_classes(tmp_path / "pets", {"train/cat": 3, "train/dog": 2, "test/dog": 2})
    own = tmp_path / "own"
    own.mkdir()
    path = own / "cifar10-jpeg.tar.xz"
    shutil.move(pack(pets, "tar.xz"), path)
    monkeypatch.setenv("CNNLAB_DATA", str(own))
    monkeypatch.setattr(cifar10_jpeg, "_SHA256", sha256_of_file(path))
    monkeypatch.setattr(cifar10_jpeg, "_SIZE_BYTES", path.stat().st_size)
    return path


def test_cifar10_jpeg_is_found_in_the_data_folder(tiny_jpeg: Path) -> None:
    dataset = open_dataset("cifar10-jpeg", offline=True)
    assert dataset.name == "CIFAR-10-JPEG"
    assert len(dataset) == 7
    source = Cifar10Jpeg()
    assert source.fetch(print) == source.find()


def test_cifar10_jpeg_keeps_its_title_under_any_name(tiny_jpeg: Path) -> None:
    renamed = tiny_jpeg.rename(tiny_jpeg.with_name("mine.tar.xz"))
    assert open_dataset(str(renamed)).name == "CIFAR-10-JPEG"


def test_another_archive_of_that_name_does_not_get_the_title(
    tiny_jpeg: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cifar10_jpeg, "_SHA256", "0" * 64)
    assert open_dataset(str(tiny_jpeg)).name == "cifar10-jpeg"


def test_cifar10_jpeg_is_verified(tiny_jpeg: Path) -> None:
    data = bytearray(tiny_jpeg.read_bytes())
    data[len(data) // 2] ^= 1
    tiny_jpeg.write_bytes(data)
    with pytest.raises(ChecksumError, match=r"cifar10-jpeg\.tar\.xz: .*expected the published"):
        open_dataset("cifar10-jpeg")


def test_cifar10_jpeg_cannot_be_downloaded() -> None:
    with pytest.raises(DownloadError, match="made locally and cannot be downloaded"):
        open_dataset("cifar10-jpeg")
    with pytest.raises(DataError, match="not on this machine"):
        open_dataset("cifar10-jpeg", offline=True)
    assert Cifar10Jpeg().find() is None
