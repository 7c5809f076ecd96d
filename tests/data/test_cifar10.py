"""CIFAR-10 by the path of its files, against what NumPy and pickle read from them."""

import io
import os
import pickle
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from cifar10_files import (
    COUNT,
    allocate,
    check,
    meta_of,
    publish,
    published,
    read_folder,
    records,
    write_archive,
    write_folder,
)

from cnnlab.data.cifar10 import BINARY, CIFAR10, CLASS_NAMES, PYTHON
from cnnlab.data.cifar_forms import Form
from cnnlab.data.source import Found, ReadOptions
from cnnlab.errors import ChecksumError, DataError


@pytest.mark.parametrize("form", [BINARY, PYTHON], ids=["binary", "python"])
def test_case_07_a_folder_of_small_batches_is_read_by_its_path(form: Form, tmp_path: Path) -> None:
    folder = write_folder(form, tmp_path / "any name")
    decoded = read_folder(folder)
    check(decoded)
    assert "could not be verified" in decoded.notes[0]
    assert "data_batch_3" in decoded.notes[0]


def test_case_07_records_equal_what_numpy_reads_from_the_file(tmp_path: Path) -> None:
    folder = write_folder(BINARY, tmp_path / "x")
    raw = np.fromfile(folder / "data_batch_2.bin", dtype=np.uint8).reshape(-1, 3073)
    decoded = read_folder(folder)
    for channel in range(3):
        plane = raw[:, 1 + 1024 * channel : 1 + 1024 * (channel + 1)].reshape(-1, 32, 32)
        np.testing.assert_array_equal(decoded.images[COUNT : 2 * COUNT, ..., channel], plane)


@pytest.mark.parametrize("protocol", range(6))
def test_case_04_batches_of_every_protocol_load(protocol: int, tmp_path: Path) -> None:
    check(read_folder(write_folder(PYTHON, tmp_path / "x", protocol)))


def test_case_04_labels_as_an_array_and_pixels_as_bytes_load(tmp_path: Path) -> None:
    folder = write_folder(PYTHON, tmp_path / "x")
    planes, labels = records()[1]
    batch = {b"data": planes.tobytes(), b"labels": labels.astype(np.int32)}
    (folder / "data_batch_2").write_bytes(pickle.dumps(batch))
    check(read_folder(folder))


def test_case_02_a_folder_given_by_its_path_is_checked_too(tmp_path: Path) -> None:
    """Five files are the published ones, so the sixth is a damaged one and not someone's own."""
    folder = write_folder(BINARY, tmp_path / BINARY.folder)
    archive = write_archive(folder, tmp_path / "a.tar.gz")
    source = replace(CIFAR10, forms=(publish(BINARY, folder, archive),))
    assert read_folder(folder, source).notes == ()
    path = folder / "data_batch_4.bin"
    contents = bytearray(path.read_bytes())
    contents[5000] ^= 1
    path.write_bytes(contents)
    with pytest.raises(ChecksumError, match="data_batch_4"):
        read_folder(folder, source)


def test_case_03_a_command_in_a_batch_is_not_run(tmp_path: Path) -> None:
    marker = tmp_path / "ran"

    class Command:
        def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
            return os.system, (f"touch '{marker}'",)

    folder = write_folder(PYTHON, tmp_path / "x")
    for name in ("data_batch_2", "test_batch", "batches.meta"):
        contents = (folder / name).read_bytes()
        (folder / name).write_bytes(pickle.dumps({"data": Command(), "labels": []}))
        with pytest.raises(DataError, match=rf"{name}.*posix\.system"):
            read_folder(folder)
        (folder / name).write_bytes(contents)
    assert not marker.exists()


def corrupt(folder: Path, change: Callable[[dict[str, object]], object]) -> None:
    path = folder / "data_batch_3"
    batch = pickle.loads(path.read_bytes())
    change(batch)
    path.write_bytes(pickle.dumps(batch))


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda b: b["labels"].pop(), "19 labels for 20 images"),
        (lambda b: b["labels"].__setitem__(7, 10), "label 10 at index 7; expected 0 to 9"),
        (lambda b: b["labels"].__setitem__(7, -1), "label -1 at index 7"),
        (lambda b: b["labels"].__setitem__(7, 2**60), f"label {2**60} at index 7"),
        (lambda b: b["labels"].__setitem__(7, "cat"), "label str at index 7"),
        (lambda b: b["labels"].__setitem__(7, True), "label bool at index 7"),
        (lambda b: b.update(labels=np.arange(20)), "label 10 at index 10"),
        (lambda b: b.update(labels=np.zeros((20, 1), int)), "no list 'labels'"),
        (lambda b: b.pop("labels"), "no list 'labels'"),
        (lambda b: b.pop("data"), "no array 'data'"),
        (lambda b: b.update(data=b["data"][:, :-1].copy()), r"uint8 \[20, 3071\]"),
        (lambda b: b.update(data=b["data"].astype(np.int32)), r"int32 \[20, 3072\]"),
        (lambda b: b.update(data=b["data"][:0], labels=[]), r"uint8 \[0, 3072\]"),
        (lambda b: b.update(data=b["data"].tobytes()[:-1]), "no array 'data'"),
    ],
)
def test_case_05_a_broken_batch_is_named(
    change: Callable[[dict[str, object]], object], complaint: str, tmp_path: Path
) -> None:
    folder = write_folder(PYTHON, tmp_path / "x")
    corrupt(folder, change)
    with pytest.raises(DataError, match=complaint) as caught:
        read_folder(folder)
    assert "data_batch_3" in str(caught.value)


def test_case_05_a_label_out_of_range_in_a_record_is_named(tmp_path: Path) -> None:
    folder = write_folder(BINARY, tmp_path / "x")
    path = folder / "test_batch.bin"
    contents = bytearray(path.read_bytes())
    contents[3073 * 6] = 10
    path.write_bytes(contents)
    with pytest.raises(DataError, match=r"test_batch\.bin: label 10 at index 6"):
        read_folder(folder)


@pytest.mark.parametrize("form", [BINARY, PYTHON], ids=["binary", "python"])
def test_a_missing_batch_and_other_classes_are_named(form: Form, tmp_path: Path) -> None:
    folder = write_folder(form, tmp_path / "x")
    batch = folder / form.batches[2].name
    contents = batch.read_bytes()
    batch.unlink()
    with pytest.raises(DataError, match=f"{batch.name}: no such file"):
        read_folder(folder)
    batch.write_bytes(contents)
    names = ["apple", *CLASS_NAMES[1:]]
    meta = folder / meta_of(form)
    if form is PYTHON:
        meta.write_bytes(pickle.dumps({"label_names": names}))
    else:
        meta.write_text("\n".join(names))
    with pytest.raises(DataError, match=rf"{meta.name}: the classes are apple, automobile"):
        read_folder(folder)
    meta.unlink()
    check(read_folder(folder))


def test_an_archive_without_a_batch_is_an_error(tmp_path: Path) -> None:
    folder = write_folder(BINARY, tmp_path / BINARY.folder)
    files = publish(BINARY, folder, write_archive(folder, tmp_path / "whole.tar.gz"))
    (folder / "data_batch_5.bin").unlink()
    archive = write_archive(folder, tmp_path / BINARY.archive.name)
    form = replace(files, archive=published(archive, "sha256"))
    with pytest.raises(DataError, match=r"no cifar-10-batches-bin/data_batch_5\.bin"):
        replace(CIFAR10, forms=(form,)).read(Found(archive, {}), ReadOptions(), allocate)


def test_links_and_strangers_in_an_archive_are_not_read(tmp_path: Path) -> None:
    folder = write_folder(BINARY, tmp_path / BINARY.folder)
    files = publish(BINARY, folder, write_archive(folder, tmp_path / "whole.tar.gz"))
    archive = tmp_path / BINARY.archive.name
    with tarfile.open(archive, "w:gz") as tar:
        for file in BINARY.batches:
            link = tarfile.TarInfo(f"{BINARY.folder}/{file.name}")
            link.type, link.linkname = tarfile.SYMTYPE, str(folder / file.name)
            tar.addfile(link)
        stranger = tarfile.TarInfo("../data_batch_1.bin")
        stranger.size = 5
        tar.addfile(stranger, io.BytesIO(b"hello"))
    form = replace(files, archive=published(archive, "sha256"))
    with pytest.raises(DataError, match="the archive has no"):
        replace(CIFAR10, forms=(form,)).read(Found(archive, {}), ReadOptions(), allocate)
    assert not (tmp_path.parent / "data_batch_1.bin").exists()


def test_what_verifies_but_is_no_archive_is_an_error(tmp_path: Path) -> None:
    archive = tmp_path / BINARY.archive.name
    archive.write_bytes(b"no archive at all")
    form = replace(BINARY, archive=published(archive, "sha256"))
    with pytest.raises(DataError, match="the archive cannot be read"):
        replace(CIFAR10, forms=(form,)).read(Found(archive, {}), ReadOptions(), allocate)


def test_only_cifar_is_recognised(tmp_path: Path) -> None:
    (tmp_path / "cat").mkdir()
    (tmp_path / "a.txt").write_text("a")
    assert CIFAR10.recognise(tmp_path) is None
    assert CIFAR10.recognise(tmp_path / "a.txt") is None
    assert CIFAR10.recognise(tmp_path / "absent") is None
    archive = tmp_path / "cifar-10-binary.tar.gz"
    archive.write_bytes(b"cut")
    found = CIFAR10.recognise(archive)
    assert found is not None
    with pytest.raises(ChecksumError, match="3 bytes; expected 170,052,171"):
        CIFAR10.read_path(found, ReadOptions(), allocate)


def test_a_folder_around_the_batches_is_recognised(tmp_path: Path) -> None:
    inner = write_folder(PYTHON, tmp_path / "root" / PYTHON.folder)
    found = CIFAR10.recognise(tmp_path / "root")
    assert found is not None
    assert found.path == inner
    check(CIFAR10.read_path(found, ReadOptions(), allocate))
