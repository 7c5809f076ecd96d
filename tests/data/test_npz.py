"""NumPy .npz files, written by NumPy, and by hand where NumPy would not write them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from npz_files import images, labels, read, written
from PIL import Image

from cnnlab.data import open_dataset
from cnnlab.data.forms import npz_members
from cnnlab.data.forms.npz_members import open_npz
from cnnlab.data.source import ReadOptions
from cnnlab.errors import ConfigError, DataError


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_what_keras_writes(save: Any, tmp_path: Path) -> None:
    x, x_test = images(12, 28, 28), images(5, 28, 28, seed=1)
    y, y_test = labels(12).astype(np.uint8), labels(5).astype(np.uint8)
    path = tmp_path / "mnist.npz"
    save(path, x_train=x, y_train=y, x_test=x_test, y_test=y_test)
    found = read(path)
    np.testing.assert_array_equal(found.images[..., 0], np.concatenate([x, x_test]))
    np.testing.assert_array_equal(found.labels, np.concatenate([y, y_test]))
    assert found.labels.dtype == np.int64
    assert found.class_names == ("0", "1", "2")
    assert found.parts == {"train": 12, "test": 5}
    assert found.notes == ()


def test_what_medmnist_writes(tmp_path: Path) -> None:
    arrays = {
        f"{part}_{kind}": value
        for seed, part in enumerate(("train", "val", "test"))
        for kind, value in (("images", images(6, seed=seed)), ("labels", labels(6)[:, None]))
    }
    found = read(written(tmp_path, **dict(reversed(arrays.items()))))
    assert found.parts == {"train": 6, "validation": 6, "test": 6}
    for row, part in enumerate(("train", "val", "test")):
        np.testing.assert_array_equal(found.images[6 * row : 6 * row + 6], arrays[f"{part}_images"])
    np.testing.assert_array_equal(found.labels, np.tile(labels(6), 3))


@pytest.mark.parametrize(
    ("image_key", "label_key"),
    [
        ("images", "labels"),
        ("X", "y"),
        ("x", "y"),
        ("data", "target"),
        ("image", "label"),
        ("trainX", "trainY"),
        ("X.train", "y.train"),
        ("xtrain", "ytrain"),
        ("train-images", "train-labels"),
        ("arr_0", "arr_1"),  # as np.savez calls arrays without names
        ("cats", "what they are"),
    ],
)
def test_keys_in_any_writing(image_key: str, label_key: str, tmp_path: Path) -> None:
    found = read(written(tmp_path, **{label_key: labels(), image_key: images()}))
    np.testing.assert_array_equal(found.images, images())
    np.testing.assert_array_equal(found.labels, labels())
    assert found.parts == {"train": 12}


def test_keys_can_be_chosen(tmp_path: Path) -> None:
    path = written(
        tmp_path, small=images(), large=images(12, 9, 9, 3), coarse=labels(), fine=labels(12, 6)
    )
    with pytest.raises(DataError) as caught:
        read(path)
    assert str(caught.value) == (
        f"{path}: no key says what images and labels are (the file holds small uint8 "
        "[12, 8, 8, 3], large uint8 [12, 9, 9, 3], coarse int64 [12], fine int64 [12]); expected "
        "x_train, y_train, x_test, y_test, or images, labels; name the two: "
        "--set data.images_key=KEY --set data.labels_key=KEY"
    )
    found = read(path, images_key="large", labels_key="fine")
    assert found.images.shape == (12, 9, 9, 3)
    assert len(found.class_names) == 6
    assert found.notes == ("not used: small, coarse",)
    with pytest.raises(DataError, match="no array is called 'big'; expected one of: small, large"):
        read(path, images_key="big", labels_key="fine")
    with pytest.raises(DataError, match="not clear which array holds the labels"):
        read(path, images_key="large")


def test_one_key_is_enough_where_the_other_tells_itself(tmp_path: Path) -> None:
    path = written(tmp_path, images=images(), fine=labels(12, 6), coarse=labels(12, 2))
    assert len(read(path, labels_key="fine").class_names) == 6
    path = written(tmp_path, images=images(), thumbs=images(12, 4, 4, 3), y=labels())
    assert read(path, images_key="thumbs").images.shape == (12, 4, 4, 3)


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"x_train": 1, "y_train": 1, "x_test": 1}, "images 'x_test' but no labels of them"),
        ({"x_train": 1, "y_train": 1, "y_val": 1}, "labels 'y_val' but no images of them"),
        ({"x_test": 1, "y_test": 1}, "no images to train on"),
        ({"x": 1, "y": 1, "images": 1}, "'x' and 'images' say the same"),
        ({"x_val": 1, "x_valid": 1, "y": 1}, "'x_val' and 'x_valid' say the same"),
        ({"x": 1, "y": 1, "x_train": 1, "y_train": 1}, "'x' stands beside images of parts"),
        ({}, "no key says .* holds no arrays"),
    ],
)
def test_keys_that_do_not_fit_together(arrays: dict[str, int], said: str, tmp_path: Path) -> None:
    values = {key: labels() if key[0] == "y" else images() for key in arrays}
    with pytest.raises(DataError, match=said):
        read(written(tmp_path, **values))


def test_axes_are_told_apart_and_what_is_assumed_is_said(tmp_path: Path) -> None:
    first = np.moveaxis(images(), -1, 1)
    found = read(written(tmp_path, x=np.ascontiguousarray(first), y=labels()))
    np.testing.assert_array_equal(found.images, images())
    assert found.notes == ("x uint8 [12, 3, 8, 8] is taken as [N, C, H, W]",)
    both = images(12, 3, 5, 4)
    found = read(written(tmp_path, x=both, y=labels()))
    np.testing.assert_array_equal(found.images, both)
    assert found.notes == ("x uint8 [12, 3, 5, 4] is taken as [N, H, W, C]",)
    grey = images(12, 1, 7, 9)
    found = read(written(tmp_path, x=grey, y=labels()))
    np.testing.assert_array_equal(found.images[..., 0], grey[:, 0])


@pytest.mark.parametrize("shape", [(8, 8, 3), (8, 8), (5, 9, 4), (1, 8, 6), (1, 1, 1)])
def test_fortran_order_and_sides_of_all_kinds(shape: tuple[int, ...], tmp_path: Path) -> None:
    plain = images(12, *shape)
    expected = read(written(tmp_path, x=plain, y=labels())).images
    found = read(written(tmp_path, x=np.asfortranarray(plain), y=labels()))
    np.testing.assert_array_equal(found.images, expected)
    assert expected.size == plain.size


@pytest.mark.parametrize("fortran", [False, True])
def test_blocks_join_without_a_seam(
    fortran: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(npz_members, "_BLOCK_BYTES", 5 * 8 * 8 * 3)  # 12 rows are 5 + 5 + 2
    x = images() / np.float64(255)
    x = np.asfortranarray(x) if fortran else x
    found = read(written(tmp_path, x=x, y=labels()))
    np.testing.assert_array_equal(found.images, images())
    assert found.notes == ("x: float64 values of 0 to 1 are taken as 0 to 1",)


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        ((64,), r"images of shape \[12, 64\]; expected \[N, H, W\].* reshape"),
        ((8, 8, 2), r"images of shape \[12, 8, 8, 2\]; expected"),
        ((2, 8, 8, 3), r"images of shape \[12, 2, 8, 8, 3\]; expected"),
        ((0, 8), "images of 0x8 pixels; expected 1 to 4,096"),
        ((5000, 1), "images of 5000x1 pixels"),
    ],
)
def test_shapes_that_are_no_images(shape: tuple[int, ...], said: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=said):
        read(written(tmp_path, x=np.zeros((12, *shape), np.uint8), y=labels()))


def test_no_images_at_all(tmp_path: Path) -> None:
    empty = np.zeros((0, 8, 8), np.uint8)
    with pytest.raises(DataError, match="x: there are no images"):
        read(written(tmp_path, x=empty, y=np.zeros(0, np.int64)))


def test_numbers_of_images_and_labels_and_sizes_of_parts(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"mine\.npz: y: labels of shape \[11\] for 12 images"):
        read(written(tmp_path, x=images(), y=labels(11)))
    path = written(
        tmp_path, x_train=images(), y_train=labels(), x_test=images(4, 9, 9, 3), y_test=labels(4)
    )
    with pytest.raises(DataError, match=r"x_test: images of \[9, 9, 3\]; expected \[8, 8, 3\]"):
        read(path)


def test_size_and_channels_can_be_chosen_as_for_files(tmp_path: Path) -> None:
    path = written(tmp_path, x=images(), y=labels())
    found = read(path, size=5, channels=1)
    for row in range(12):
        picture = Image.fromarray(images()[row]).convert("L").resize((5, 5), Image.BILINEAR)
        np.testing.assert_array_equal(found.images[row, ..., 0], np.asarray(picture))
    with pytest.raises(ConfigError, match="image size 9999"):
        read(path, size=9999)


def test_a_fortran_array_beyond_the_memory_allowed_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(npz_members, "_WHOLE_BYTES", 1000)
    path = written(tmp_path, x=np.asfortranarray(images()), y=labels())
    with pytest.raises(DataError, match=r"x: the array has 2,304 bytes; .*ascontiguousarray"):
        read(path)
    assert len(read(written(tmp_path, x=images(), y=labels())).labels) == 12


def test_arrays_show_themselves(tmp_path: Path) -> None:
    with open_npz(written(tmp_path, x=images(), y=labels())) as found:
        assert [str(array) for array in found.arrays.values()] == [
            "x uint8 [12, 8, 8, 3]",
            "y int64 [12]",
        ]


def test_from_the_path_to_the_dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CNNLAB_HOME", str(tmp_path / "home"))
    path = written(tmp_path, x=images(), y=labels())
    said: list[str] = []
    dataset = open_dataset(str(path), say=said.append)
    assert dataset.name == "mine"
    np.testing.assert_array_equal(dataset.images, images())
    assert dataset.origin == str(path)
    written(tmp_path, x=images(seed=3), y=labels())
    assert open_dataset(str(path)).fingerprint != dataset.fingerprint
    options = ReadOptions(16, 1)
    assert open_dataset(str(path), options=options).image_shape == (16, 16, 1)
