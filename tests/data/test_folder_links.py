"""Folders with links and pipes, and files that may not be read or vanish."""

from __future__ import annotations

import hashlib
import os
import stat
import struct
from pathlib import Path

import numpy as np
import pytest
from class_folders import encoded, pixels
from folder_files import read

from cnnlab.data import folder as folder_module
from cnnlab.data import inventory as inventory_module
from cnnlab.data import open_dataset
from cnnlab.data.inventory import Inventory
from cnnlab.data.tree import FolderTree, Tree
from cnnlab.errors import DataError


def test_a_link_out_of_the_folder_is_not_followed(parted: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.png"
    secret.write_bytes(encoded(pixels(50)))
    (parted / "train" / "cat" / "link.png").symlink_to(secret)
    with pytest.raises(DataError, match=r"train/cat/link\.png \(a link that leads out"):
        read(parted)


def test_a_link_inside_the_folder_is_followed(parted: Path) -> None:
    (parted / "train" / "cat" / "link.png").symlink_to("../dog/0.png")
    found = read(parted)
    np.testing.assert_array_equal(found.images[3], pixels(3))
    assert found.labels.tolist()[:4] == [0, 0, 0, 0]


@pytest.mark.parametrize("change", ["another target", "the target written anew"])
def test_a_link_that_gives_other_pixels_is_another_state(change: str, parted: Path) -> None:
    first, other = (parted / "train" / "dog" / name for name in ("0.png", "1.png"))
    other.write_bytes(first.read_bytes()[:-1] + b"x")  # of the same size ...
    for path in (first, other):
        os.utime(path, ns=(1, 1))  # ... and time
    link = parted / "train" / "cat" / "link.png"
    link.symlink_to(first)
    before = FolderTree(parted).identity()
    assert FolderTree(parted).identity() == before
    if change == "another target":
        link.unlink()
        link.symlink_to(other)
    else:
        first.write_bytes(other.read_bytes())
    assert FolderTree(parted).identity() != before


def test_the_cache_follows_a_link_to_its_new_target(parted: Path, home: Path) -> None:
    store = parted / ".store"  # a hidden folder is not looked into
    store.mkdir()
    for number in (50, 60):
        (store / f"{number}.png").write_bytes(encoded(pixels(number)))
    link = parted / "train" / "cat" / "0.png"
    for number in (50, 60):
        link.unlink()
        link.symlink_to(store / f"{number}.png")
        np.testing.assert_array_equal(open_dataset(str(parted)).images[0], pixels(number))
    (store / "60.png").write_bytes(encoded(pixels(70)))
    np.testing.assert_array_equal(open_dataset(str(parted)).images[0], pixels(70))


def test_files_that_are_no_links_keep_their_identity(parted: Path) -> None:
    """What a cache holds stays in use: the digest as it was before links were looked behind."""
    (parted / "train" / "cat" / "dangling.png").symlink_to("nowhere.png")
    digest = hashlib.sha256()
    for folder in ("", "train/", "train/dog/", "train/cat/", "test/", "test/dog/", "test/cat/"):
        items = sorted((parted / folder).iterdir())
        states: list[int] = []
        for item in items:
            status = item.lstat()
            regular = (status.st_size, status.st_mtime_ns, status.st_ctime_ns)
            kind = stat.S_IFMT(status.st_mode)
            states += regular if item.is_file() else (-2, kind, 0)
        names = "\0".join([folder, *(item.name for item in items)])
        digest.update(names.encode() + b"\0\0" + struct.pack(f"={len(states)}q", *states))
    assert FolderTree(parted).identity()["listing"] == digest.hexdigest()


def test_a_dangling_link_is_named(parted: Path) -> None:
    (parted / "train" / "cat" / "link.png").symlink_to("nowhere.png")
    with pytest.raises(DataError, match=r"link\.png \(cannot be read: no such file"):
        read(parted)


def test_a_link_in_a_circle_is_named(parted: Path) -> None:
    """Found by fuzzing: the system's refusal to follow it was a traceback."""
    (parted / "train" / "cat" / "link.png").symlink_to("link.png")
    (parted / "train" / "fox").symlink_to("fox")
    with pytest.raises(DataError, match=r"link\.png \(a link that leads out|link\.png \(cannot be"):
        read(parted)


@pytest.mark.parametrize("target", [".", "/", "dog"])
def test_a_link_to_a_folder_is_refused(target: str, parted: Path) -> None:
    (parted / "train" / "fox").symlink_to(target, target_is_directory=True)
    with pytest.raises(DataError, match="train/fox: a symbolic link to a folder is not followed"):
        read(parted)


def test_the_folder_itself_may_be_a_link(parted: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(parted)
    assert len(read(link).labels) == 8


def test_a_named_pipe_is_not_waited_for(parted: Path) -> None:
    os.mkfifo(parted / "train" / "cat" / "pipe.png")
    with pytest.raises(DataError, match=r"train/cat/pipe\.png \(not a regular file\)"):
        read(parted)


def test_a_folder_called_like_an_image_is_a_folder(parted: Path) -> None:
    (parted / "train" / "cat" / "more.png").mkdir()
    (parted / "train" / "cat" / "more.png" / "1.png").write_bytes(encoded(pixels(60)))
    assert read(parted).labels.tolist().count(0) == 5


def test_a_folder_that_may_not_be_listed_is_a_data_error(
    parted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    genuine = os.scandir

    def scandir(path: str | Path) -> object:
        if str(path).endswith("dog/"):
            raise PermissionError(13, "Permission denied", str(path))
        return genuine(path)

    monkeypatch.setattr(os, "scandir", lambda path: scandir(f"{path}/"))
    with pytest.raises(DataError, match=r"train/dog: cannot be read: permission denied"):
        read(parted)


def test_a_file_that_may_not_be_read_is_named(
    parted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    genuine = os.open

    def refuse(path: str | Path, *arguments: int, **options: int) -> int:
        if str(path).endswith("train/dog/1.png"):
            raise PermissionError(13, "Permission denied", str(path))
        return genuine(path, *arguments, **options)

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(DataError, match=r"train/dog/1\.png \(cannot be read: permission denied\)"):
        read(parted)


def test_a_file_that_vanishes_between_header_and_pixels_is_named(
    parted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    genuine = folder_module.take_inventory

    def take(tree: Tree) -> Inventory:
        inventory = genuine(tree)
        victim = parted / "train" / "dog" / "1.png"
        victim.rename(victim.with_suffix(".gone"))
        victim.symlink_to("nowhere")
        return inventory

    monkeypatch.setattr(folder_module, "take_inventory", take)
    monkeypatch.setattr(inventory_module, "_KEPT_BYTES", 300)
    with pytest.raises(DataError, match=r"1 of 8 .*train/dog/1\.png \(cannot be read: no such"):
        read(parted)
