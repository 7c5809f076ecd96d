"""Class folders on disk, read whole."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from class_folders import encoded, pack, pixels, write_classes
from folder_files import read
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from cnnlab.data.decoding import default_image_size
from cnnlab.data.trees import open_tree, stem_of
from cnnlab.errors import ConfigError, DataError


def test_pixels_labels_and_parts(parted: Path) -> None:
    found = read(parted)
    assert found.images.shape == (8, 8, 8, 3)
    assert found.labels.tolist() == [0, 0, 0, 1, 1, 0, 1, 1]
    assert found.labels.dtype == np.int64
    assert found.parts == {"train": 5, "test": 3}
    assert found.notes == ()
    for row in range(8):
        np.testing.assert_array_equal(found.images[row], pixels(row))


def test_case_08_litter_is_ignored_and_said_once(parted: Path) -> None:
    expected = read(parted)
    for place in (parted, parted / "train", parted / "train" / "cat"):
        for name in (".DS_Store", "Thumbs.db", "desktop.ini", "._0.png", "notes.txt"):
            (place / name).write_bytes(b"litter")
        for name in (".ipynb_checkpoints", "__MACOSX", ".git"):
            (place / name / "deeper").mkdir(parents=True)
            (place / name / "deeper" / "x.png").write_bytes(encoded(pixels(99)))
    for source in (parted, pack(parted, "zip"), pack(parted, "tar.gz")):
        found = read(source)
        np.testing.assert_array_equal(found.images, expected.images)
        assert found.class_names == ("cat", "dog")
        (note,) = found.notes
        assert note == (
            "ignored, being no images: 3 x *.txt, 3 x .DS_Store, 3 x ._*, 3 x .git, "
            "3 x .ipynb_checkpoints, 3 x Thumbs.db, 3 x __MACOSX, 3 x desktop.ini"
        )


def test_case_09_all_broken_files_are_counted_and_the_first_ten_named(tmp_path: Path) -> None:
    folder = write_classes(tmp_path / "pets", {"cat": 4, "dog": 4})
    jpeg = encoded(pixels(1, 16, 16), "JPEG")
    for number in range(9):
        (folder / "cat" / f"cut{number}.jpg").write_bytes(jpeg[: len(jpeg) // 2])
    for number in range(4):
        (folder / "dog" / f"text{number}.png").write_text("this is no image")
    (folder / "dog" / "photo.heic").write_bytes(b"ftypheic")
    for source in (folder, pack(folder, "zip"), pack(folder, "tar")):
        with pytest.raises(DataError) as caught:
            read(source)
        message = str(caught.value)
        assert message.startswith(f"{source}: 14 of 22 image files cannot be used: cat/cut0.jpg (")
        assert "cut off" in message
        assert "dog/photo.heic (.heic cannot be read; convert it to JPEG or PNG)" in message
        assert "dog/text0.png" not in message
        assert message.count(".jpg (") == 9
        assert message.endswith("and 4 more; mend or remove them")


@pytest.mark.parametrize("content", [b"", b"text", encoded(pixels(1))[:-1]])
def test_case_09_one_broken_file_is_named(content: bytes, parted: Path) -> None:
    (parted / "test" / "dog" / "bad.png").write_bytes(content)
    with pytest.raises(DataError, match=r"1 of 9 image files cannot be used: test/dog/bad\.png \("):
        read(parted)


def test_case_09_when_nothing_can_be_read(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.png").write_text("no image")
    with pytest.raises(DataError, match=r"2 of 2 image files cannot be used: cat/1\.png"):
        read(tmp_path)


def test_case_09_a_class_of_text_files_is_empty(parted: Path) -> None:
    (parted / "train" / "fox").mkdir()
    (parted / "train" / "fox" / "notes.txt").write_text("no picture yet")
    for source in (parted, pack(parted, "tar")):
        with pytest.raises(DataError, match="class 'fox' has no images in 'train/fox/'"):
            read(source)


def test_case_09_an_archive_without_folder_entries_shows_empty_classes(tmp_path: Path) -> None:
    import zipfile

    path = tmp_path / "pets.zip"
    with zipfile.ZipFile(path, "w") as zipped:
        for name in ("cat/1.png", "dog/1.png"):
            zipped.writestr(name, encoded(pixels(len(name))))
        zipped.writestr("fox/notes.txt", "no picture yet")
    with pytest.raises(DataError, match="class 'fox' has no images"):
        read(path)


def test_case_11_class_names_of_every_kind(tmp_path: Path) -> None:
    names = ["a b", "it's", '"', "<script>", "Käse", "猫", "e\u0301", "%d", "$(ls)", "-rf"]
    folder = write_classes(tmp_path / "odd", dict.fromkeys(names, 1))
    for source in (folder, pack(folder, "zip"), pack(folder, "tar.gz")):
        assert read(source).class_names == tuple(sorted(names))


def test_channels_follow_the_files(tmp_path: Path) -> None:
    grey = write_classes(tmp_path / "grey", {"a": 2, "b": 2}, channels=1)
    assert read(grey).images.shape == (4, 8, 8, 1)
    assert read(grey, channels=3).images.shape == (4, 8, 8, 3)
    (grey / "a" / "colour.png").write_bytes(encoded(pixels(9)))
    found = read(grey)
    assert found.images.shape == (5, 8, 8, 3)
    np.testing.assert_array_equal(found.images[0], pixels(0, channels=1)[..., None].repeat(3, 2))
    assert read(grey, channels=4).images[0, ..., 3].min() == 255


def test_mixed_sizes_become_one_and_it_is_said(tmp_path: Path) -> None:
    folder = write_classes(tmp_path / "mixed", {"a": 3, "b": 3}, height=40, width=90)
    (folder / "a" / "small.png").write_bytes(encoded(pixels(7, 64, 64)))
    found = read(folder)
    assert found.images.shape == (7, 64, 64, 3)  # the median side is 64
    assert found.notes == (
        "6 of 7 images (sides 40 to 90 pixels) are squashed to 64x64; "
        "--image-size asks for another side",
    )
    np.testing.assert_array_equal(found.images[3], pixels(7, 64, 64))
    assert read(folder, image_size=20).images.shape == (7, 20, 20, 3)


@pytest.mark.parametrize(
    ("sides", "expected"),
    [
        ([28, 28], 28),
        ([64, 64], 64),
        ([1, 1], 1),
        ([65, 65], 64),
        ([28, 29], 32),
        ([3, 5], 32),
        ([32, 64], 64),  # 48 lies in the middle: rounded up
        ([47, 47, 47, 64], 32),
        ([96, 96], 64),
        ([100, 100, 200, 400], 64),
        ([4000, 3000], 64),
    ],
)
def test_the_default_size(sides: list[int], expected: int) -> None:
    assert default_image_size(np.array(sides)) == expected


@given(st.lists(st.integers(1, 20_000), min_size=1, max_size=50))
def test_the_default_size_is_the_nearest_step_to_the_median(sides: list[int]) -> None:
    size = default_image_size(np.array(sides))
    if len(set(sides)) == 1 and sides[0] <= 64:
        assert size == sides[0]
        return
    steps = (32, 64)
    median = float(np.median(sides))
    assert size in steps
    assert abs(size - median) == min(abs(step - median) for step in steps)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"image_size": 0}, "image size 0; expected 1 to 4096"),
        ({"image_size": -5}, "image size -5"),
        ({"image_size": 5000}, "image size 5000"),
        ({"channels": 2}, "2 channels; expected 1"),
        ({"channels": 0}, "0 channels"),
    ],
)
def test_options_out_of_range(options: dict[str, int], message: str, parted: Path) -> None:
    with pytest.raises(ConfigError, match=message):
        read(parted, **options)


def test_many_large_images_in_threads_land_in_their_rows(tmp_path: Path) -> None:
    folder = tmp_path / "plain"
    for name in ("a", "b"):
        (folder / name).mkdir(parents=True)
        for number in range(120):
            colour = (number, 200, 10 if name == "a" else 250)
            picture = Image.new("RGB", (150, 100), colour)
            (folder / name / f"{number:03d}.png").write_bytes(encoded(picture))
    found = read(folder, image_size=128)
    assert found.images.shape == (240, 128, 128, 3)
    expected = [(n, 200, blue) for blue in (10, 250) for n in range(120)]
    np.testing.assert_array_equal(found.images[:, 5, 7], expected)


def test_the_identity_changes_with_the_files(parted: Path) -> None:
    seen = {str(open_tree(parted).identity())}

    def changed() -> None:
        identity = str(open_tree(parted).identity())
        assert identity not in seen
        seen.add(identity)

    assert str(open_tree(parted).identity()) in seen
    image = parted / "train" / "cat" / "0.png"
    image.write_bytes(image.read_bytes() + b"\0")
    changed()
    os.utime(image, ns=(0, 0))
    changed()
    image.rename(image.with_name("renamed.png"))
    changed()
    (parted / "train" / "new").mkdir()
    changed()


@pytest.mark.parametrize("kind", ["zip", "tar.xz"])
def test_an_archives_identity_changes_with_it(kind: str, parted: Path) -> None:
    path = pack(parted, kind)
    before = open_tree(path).identity()
    os.utime(path, ns=(1, 1))
    assert open_tree(path).identity() != before


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("pets.zip", "pets"),
        ("cifar10-jpeg.tar.xz", "cifar10-jpeg"),
        ("Pets.TGZ", "Pets"),
        ("v1.2.tar", "v1.2"),
        (".zip", ".zip"),
    ],
)
def test_the_stem_of_an_archive(name: str, stem: str, tmp_path: Path) -> None:
    assert stem_of(tmp_path / name) == stem


def test_the_stem_of_a_folder_is_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "v1.0.zip"
    (folder / "inner").mkdir(parents=True)
    assert stem_of(folder) == "v1.0.zip"
    monkeypatch.chdir(folder)
    assert stem_of(Path()) == "v1.0.zip"
    monkeypatch.chdir(folder / "inner")
    assert stem_of(Path("..")) == "v1.0.zip"
    assert stem_of(Path("/")) == "/"
