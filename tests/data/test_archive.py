"""Archives, damaged and whole: one line that names the member, or the folder's pixels."""

from __future__ import annotations

import gzip
import struct
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from archive_files import PICTURE, read, refused
from class_folders import ARCHIVES, encoded, pack, pixels, tar_of, write_classes
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnlab.data import inventory, tar_tree
from cnnlab.data.trees import open_tree
from cnnlab.errors import DataError


@pytest.mark.parametrize("kind", ARCHIVES)
@pytest.mark.parametrize("cut", ["nothing", "one byte", "half", "all but one byte"])
def test_case_01_an_archive_cut_off_is_one_line(kind: str, cut: str, folder: Path) -> None:
    path = pack(folder, kind)
    data = path.read_bytes()
    lengths = {
        "nothing": 0,
        "one byte": 1,
        "half": len(data) // 2,
        "all but one byte": len(data) - 1,
    }
    path.write_bytes(data[: lengths[cut]])
    refused(path, "damaged or cut off", "copy or download it again")


@pytest.mark.parametrize("kind", ARCHIVES)
def test_case_01_an_archive_cut_anywhere_is_refused(kind: str, tmp_path: Path) -> None:
    path = pack(write_classes(tmp_path / "two", {"a": 1, "b": 1}, height=3, width=3), kind)
    data = path.read_bytes()
    read(path)
    for length in {*range(0, len(data), len(data) // 50), *range(len(data) - 8, len(data))}:
        path.write_bytes(data[:length])
        with pytest.raises(DataError):
            read(path)


def test_a_tar_cut_between_two_members_is_refused(folder: Path) -> None:
    path = pack(folder, "tar")
    with tarfile.open(path) as tar:
        offset = tar.getmembers()[-1].offset
    path.write_bytes(path.read_bytes()[:offset])
    refused(path, "no valid header at byte")


def test_a_tar_with_a_damaged_header_does_not_lose_what_follows_silently(folder: Path) -> None:
    path = pack(folder, "tar")
    with tarfile.open(path) as tar:
        offset = tar.getmembers()[3].offset
    data = bytearray(path.read_bytes())
    data[offset + 150] ^= 1
    path.write_bytes(data)
    refused(path, f"no valid header at byte {offset:,}")
    data[offset : offset + 512] = bytes(512)
    path.write_bytes(data)
    refused(path, "data after the end mark")


@pytest.mark.parametrize("kind", ["tar.gz", "tar.xz", "tar.bz2"])
def test_case_02_one_bit_flipped_in_a_compressed_archive_is_an_error(
    kind: str, folder: Path
) -> None:
    path = pack(folder, kind)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)
    refused(path)


def test_case_02_one_bit_flipped_in_a_zip_names_the_member(tmp_path: Path) -> None:
    path = tmp_path / "flipped.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as zipped:
        for name in ("cat/1.png", "dog/1.png"):
            zipped.writestr(name, encoded(pixels(len(name) + ord(name[0]))))
    data = bytearray(path.read_bytes())
    data[data.find(b"IDAT") + 30] ^= 1
    path.write_bytes(data)
    refused(path, "cat/1.png", "CRC")


@settings(max_examples=40)
@given(at=st.integers(0, 10**6), value=st.integers(0, 255), kind=st.sampled_from(ARCHIVES))
def test_a_damaged_archive_is_read_or_a_data_error(
    at: int, value: int, kind: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = tmp_path_factory.mktemp("damaged")
    path = pack(write_classes(root / "two", {"a": 1, "b": 1}, height=3, width=3), kind)
    data = bytearray(path.read_bytes())
    data[at % len(data)] = value
    path.write_bytes(data)
    try:
        assert len(read(path).labels) in (1, 2)
    except DataError:
        assert sorted(p.name for p in root.iterdir()) == ["two", path.name]


@pytest.mark.parametrize("prefix", ["", "./", "wrapped/"])
@pytest.mark.parametrize("kind", ARCHIVES)
def test_every_kind_of_archive_gives_the_folders_pixels(
    kind: str, prefix: str, folder: Path
) -> None:
    expected, found = read(folder), read(pack(folder, kind, prefix))
    np.testing.assert_array_equal(found.images, expected.images)
    np.testing.assert_array_equal(found.labels, expected.labels)
    assert found.class_names == expected.class_names == ("cat", "dog")


def test_compression_is_told_by_content_not_by_name(folder: Path) -> None:
    packed = pack(folder, "tar.xz")
    misnamed = packed.rename(packed.with_name("pets.tar.gz"))
    assert len(read(misnamed).labels) == 5
    plain = pack(folder, "tar")
    assert len(read(plain.rename(plain.with_name("pets.tgz"))).labels) == 5


def test_utf8_names_without_the_zip_flag_are_read(tmp_path: Path) -> None:
    path = tmp_path / "mac.zip"
    with zipfile.ZipFile(path, "w") as zipped:
        zipped.writestr("Käse/1.png", PICTURE)
        zipped.writestr("dog/1.png", PICTURE)
    data = path.read_bytes()
    for signature, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        at = data.find(signature)
        flags = struct.unpack("<H", data[at + offset : at + offset + 2])[0] & ~0x800
        data = data[: at + offset] + struct.pack("<H", flags) + data[at + offset + 2 :]
    path.write_bytes(data)
    assert read(path).class_names == ("Käse", "dog")


@pytest.mark.parametrize("kind", ["", "zip", "tar.gz"])
def test_files_too_large_for_memory_are_read_twice(
    kind: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = read(folder)
    path = pack(folder, kind) if kind else folder
    assert len(inventory.take_inventory(open_tree(path)).encoded or ()) == 5
    monkeypatch.setattr(inventory, "_KEPT_BYTES", 300)
    assert inventory.take_inventory(open_tree(path)).encoded is None
    np.testing.assert_array_equal(read(path).images, expected.images)


def test_an_empty_archive_holds_no_classes(tmp_path: Path) -> None:
    empty = tar_of(tmp_path / "empty.tar", [])
    refused(empty, "no class folders")
    zipped = tmp_path / "empty.zip"
    zipfile.ZipFile(zipped, "w").close()
    refused(zipped, "no class folders")


def test_a_gzip_file_with_trailing_garbage_is_refused(folder: Path) -> None:
    path = pack(folder, "tar.gz")
    path.write_bytes(path.read_bytes() + b"garbage")
    refused(path, "damaged")


def test_a_gzipped_text_is_no_archive(tmp_path: Path) -> None:
    path = tmp_path / "text.tar.gz"
    path.write_bytes(gzip.compress(b"just some text, no archive at all\n" * 40))
    refused(path, "damaged or cut off")


def test_a_reader_that_goes_backwards_is_refused(folder: Path) -> None:
    path = pack(folder, "tar")
    with tar_tree._unpacked(path) as stream:
        stream.read(1024)
        with pytest.raises(tarfile.ReadError, match="backwards"):
            stream.seek(512)


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_an_archive_that_may_not_be_read_is_not_called_damaged(
    kind: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = pack(folder, kind)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    monkeypatch.setattr(zipfile.io, "open", refuse)
    refused(path, "cannot be read: permission denied")
