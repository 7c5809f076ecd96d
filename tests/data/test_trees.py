"""Which kind of archive a file is: told by its content, and by its name where that says nothing."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from class_folders import ARCHIVES, encoded, pack, pixels, write_classes

from cnnlab.data.tar_tree import TarTree
from cnnlab.data.tree import FolderTree
from cnnlab.data.trees import open_tree
from cnnlab.data.zip_tree import ZipTree
from cnnlab.errors import DataError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_classes(tmp_path / "pets", {"cat": 1, "dog": 1})


@pytest.mark.parametrize("name", ["pets", "pets.bin", "pets.zip", "pets.tar.gz", "pets.tbz2"])
@pytest.mark.parametrize("kind", ARCHIVES)
def test_the_content_counts_whatever_the_name(kind: str, name: str, folder: Path) -> None:
    packed = pack(folder, kind)
    folder.rename(folder.with_name("away"))
    tree = open_tree(packed.rename(packed.with_name(name)))
    assert isinstance(tree, ZipTree if kind == "zip" else TarTree)
    assert {entry.path for entry in tree.entries() if not entry.is_folder} == {
        "cat/0.png",
        "dog/0.png",
    }


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a.ZIP", ZipTree), ("a.tar", TarTree), ("a.Tgz", TarTree), ("a.txz", TarTree)],
)
def test_the_name_decides_where_there_is_no_content(name: str, kind: type, tmp_path: Path) -> None:
    (tmp_path / name).touch()
    assert isinstance(open_tree(tmp_path / name), kind)


def test_a_folder_is_a_folder_whatever_its_name(tmp_path: Path) -> None:
    (tmp_path / "pets.7z").mkdir()
    assert isinstance(open_tree(tmp_path / "pets.7z"), FolderTree)


# The magic numbers as the formats' own documents give them.
@pytest.mark.parametrize(
    ("name", "begin", "kind"),
    [
        ("pets.7z", bytes.fromhex("377abcaf271c0004"), "a 7z archive"),
        ("pets.rar", bytes.fromhex("526172211a0700"), "a RAR archive"),
        ("pets.rar", bytes.fromhex("526172211a070100"), "a RAR archive"),
        ("pets.tar.zst", bytes.fromhex("28b52ffd"), "compressed with Zstandard"),
        ("pets.tar.lz4", bytes.fromhex("04224d18"), "compressed with LZ4"),
        ("pets.tar.lz", b"LZIP\1", "compressed with lzip"),
        ("pets.tar.Z", bytes.fromhex("1f9d90"), "compressed with compress"),
    ],
)
def test_archives_that_cannot_be_read_are_called_by_name(
    name: str, begin: bytes, kind: str, tmp_path: Path
) -> None:
    expected = rf"{kind}, which cannot be read here; unpack it .* pack that as \.zip or \.tar\.gz$"
    for path, content in (
        (tmp_path / name, begin + bytes(600)),
        (tmp_path / "misnamed.zip", begin + bytes(600)),
        (tmp_path / name, b""),
    ):
        path.write_bytes(content)
        with pytest.raises(DataError, match=expected):
            open_tree(path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("labels.txt.gz", gzip.compress(b"cat\ndog\n", mtime=0)),
        ("half.gz", gzip.compress(bytes(5000), mtime=0)[:12]),
        ("notes.txt", b"PK"),
        ("noending", b""),
    ],
)
def test_what_is_no_archive_is_said_to_be_none(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=r"no archive known here; expected .*\.zip, \.tar"):
        open_tree(tmp_path / name)


def test_a_single_image_is_said_to_be_one(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encoded(pixels(0)))
    with pytest.raises(DataError, match="a single image; expected a folder of class folders"):
        open_tree(tmp_path / "a.png")


def test_a_single_array_lacks_its_labels(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", pixels(0))
    with pytest.raises(
        DataError, match=r"a single array; .*save images and labels with numpy\.sav"
    ):
        open_tree(tmp_path / "a.npy")


def test_a_file_that_may_not_be_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = pack(folder, "tar.gz")

    def refuse(*arguments: object, **options: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(DataError, match=r"pets\.tar\.gz: cannot be read: permission denied"):
        open_tree(path)
