"""Folders with links and pipes, and files that may not be read or vanish."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from class_folders import encoded, pixels
from folder_files import read

from cnnlab.data import folder as folder_module
from cnnlab.data import inventory as inventory_module
from cnnlab.data.inventory import Inventory
from cnnlab.data.tree import Tree
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
