"""NumPy .npz files, written by NumPy, and by hand where NumPy would not write them."""

from __future__ import annotations

import io
import os
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from cnnlab.data import open_dataset
from cnnlab.data.forms import npz, npz_members
from cnnlab.data.forms.npz_members import open_npz
from cnnlab.data.source import Decoded, ReadOptions
from cnnlab.errors import ConfigError, DataError


def images(count: int = 12, *shape: int, seed: int = 0) -> NDArray[np.uint8]:
    shape = shape or (8, 8, 3)
    return np.random.default_rng(seed).integers(0, 256, (count, *shape), dtype=np.uint8)


def labels(count: int = 12, classes: int = 3) -> NDArray[np.int64]:
    return np.arange(count) % classes


def read(
    path: Path, *, size: int | None = None, channels: int | None = None, **own: Any
) -> Decoded:
    options = ReadOptions(size, channels, own).filled(str(path), npz.FORM.options)
    found = npz.FORM.recognise(path)
    assert found is not None
    return npz.FORM.read(found, options, lambda shape: np.full(shape, 77, np.uint8))


def written(folder: Path, **arrays: Any) -> Path:
    np.savez(folder / "mine.npz", **arrays)
    return folder / "mine.npz"


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


# Labels


def test_class_names_and_text_labels(tmp_path: Path) -> None:
    names = np.array(["cat & <script>", 'a "dog"', "käse 🧀"])
    found = read(written(tmp_path, x=images(), y=labels(), class_names=names))
    assert found.class_names == tuple(names)
    found = read(written(tmp_path, x=images(), y=names[labels()]))
    assert found.class_names == tuple(sorted(names))
    np.testing.assert_array_equal(np.array(found.class_names)[found.labels], names[labels()])
    found = read(written(tmp_path, x=images(), y=names[labels()], classes=names))
    assert found.class_names == tuple(names)
    np.testing.assert_array_equal(found.labels, labels())
    encoded = np.array([name.encode() for name in names])
    assert read(written(tmp_path, x=images(), y=encoded[labels()])).class_names == tuple(
        sorted(names)
    )


@pytest.mark.parametrize("kind", [np.uint8, np.float32, bool])
def test_one_hot_labels(kind: type, tmp_path: Path) -> None:
    hot = np.eye(3, dtype=kind)[labels()]
    found = read(written(tmp_path, x=images(), y=hot))
    np.testing.assert_array_equal(found.labels, labels())
    assert found.class_names == ("0", "1", "2")
    hot[7] = 0
    with pytest.raises(DataError, match=r"y, index 7: the row of 3 numbers is not one-hot"):
        read(written(tmp_path, x=images(), y=hot))


def test_a_one_hot_class_without_images_is_kept_and_said(tmp_path: Path) -> None:
    found = read(written(tmp_path, x=images(), y=np.eye(5)[labels()]))
    assert found.class_names == ("0", "1", "2", "3", "4")
    assert found.notes == ("there are no images of: 3, 4",)
    with pytest.raises(DataError, match="one-hot rows of 5 numbers; expected 2, as there are"):
        read(written(tmp_path, x=images(), y=np.eye(5)[labels()], class_names=["a", "b"]))


@pytest.mark.parametrize("kind", [np.uint8, np.int8, ">i4", np.uint64, np.float16, bool])
def test_labels_of_every_number_type(kind: Any, tmp_path: Path) -> None:
    found = read(written(tmp_path, x=images(), y=labels(12, 2).astype(kind)[:, None]))
    np.testing.assert_array_equal(found.labels, labels(12, 2))
    assert found.class_names == ("0", "1")


def test_labels_with_gaps_keep_their_numbers(tmp_path: Path) -> None:
    y = np.array([1, 10, 3, 10] * 3)
    found = read(written(tmp_path, x=images(), y=y))
    assert found.class_names == ("1", "3", "10")
    np.testing.assert_array_equal(np.array(found.class_names)[found.labels].astype(int), y)
    assert found.notes == ("labels are not 0 to 2: the classes are called 1, 3, 10",)


def changed(index: int, value: object, kind: Any = float) -> NDArray[Any]:
    y = labels().astype(kind)
    y[index] = value
    return y


@pytest.mark.parametrize(
    ("y", "said"),
    [
        (changed(4, -1, int), "y, index 4: label -1; expected 0 or more"),
        (changed(4, 0.5), r"y, index 4: label 0\.5; expected a whole number"),
        (changed(11, np.nan), "y, index 11: label nan"),
        (changed(0, np.inf), "y, index 0: label inf"),
        (changed(2, 1e300), r"y, index 2: label 1e\+300"),
        (changed(2, 2**63, np.uint64), "y, index 2: label 9223372036854775808"),
        (labels().astype("datetime64[D]"), r"y: the labels are datetime64\[D\]; expected whole"),
        (labels() + 0j, "y: the labels are complex128"),
        (np.zeros(12, int), "only one class, '0'; expected images of at least two"),
        (np.zeros((12, 2, 1), int), r"y: labels of shape \[12, 2, 1\]"),
        (np.array([""] + 11 * ["a"]), "y, index 0: an empty label"),
        (np.array([b"\xff"] + 11 * [b"a"]), "y: .* is not valid UTF-8"),
        (np.int64(3), r"y: labels of shape \[\] for 12 images"),
    ],
)
def test_wrong_labels_are_named(y: Any, said: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=rf"mine\.npz: (y: )?{said}"):
        read(written(tmp_path, x=images(), y=y))


def test_labels_beyond_the_names_and_classes_not_in_train(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="y, index 2: label 2; expected 0 to 1, as there are 2 cl"):
        read(written(tmp_path, x=images(), y=labels(), class_names=["a", "b"]))
    y = np.array(["a", "b", "c"])[labels()]
    with pytest.raises(DataError, match="y, index 1: label 'b'; expected one of the class names"):
        read(written(tmp_path, x=images(), y=y, class_names=["a", "c"]))
    path = written(
        tmp_path, x_train=images(), y_train=labels(12, 2), x_test=images(), y_test=labels()
    )
    with pytest.raises(DataError, match="y_test, index 2: class '2' is in test but not in train"):
        read(path)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["a", "b", "a"], "class names 0 and 2 are both 'a'"),
        (["a", " ", "b"], "class name 1 is empty"),
        (["a", "\udc80", "b"], r"class name 1, '\\udc80', is not valid text"),
    ],
)
def test_class_names_that_cannot_be_used(names: list[str], said: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=said):
        read(written(tmp_path, x=images(), y=labels(), class_names=names))


def test_the_same_key_for_names_twice(tmp_path: Path) -> None:
    names = ["a", "b", "c"]
    with pytest.raises(DataError, match="both 'classes' and 'class_names' name classes"):
        read(written(tmp_path, x=images(), y=labels(), classes=names, class_names=names))


# Hostile files


class Trap:
    """Touches a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("key", ["y", "x", "class_names", "labels"])
def test_case_03_a_pickle_is_refused_and_does_not_run(key: str, tmp_path: Path) -> None:
    trap = np.empty(12, dtype=object)
    trap[:] = [Trap(tmp_path / "ran")] * 12
    arrays: dict[str, Any] = {"x": images(), "y": labels(), key: trap}
    if key == "labels":
        del arrays["y"]
    path = written(tmp_path, **arrays)
    with pytest.raises(DataError, match=rf"mine\.npz: {key}: it holds Python objects \(a pickle"):
        read(path)
    assert not (tmp_path / "ran").exists()


def test_a_pickle_that_is_not_needed_is_not_looked_at(tmp_path: Path) -> None:
    trap = np.array([Trap(tmp_path / "ran")], dtype=object)
    found = read(written(tmp_path, x=images(), y=labels(), meta=trap))
    assert found.notes == ("not used: meta",)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("compressed", [False, True])
def test_case_01_a_file_cut_off_anywhere(compressed: bool, tmp_path: Path) -> None:
    path = tmp_path / "mine.npz"
    (np.savez_compressed if compressed else np.savez)(path, x=images(), y=labels())
    whole = path.read_bytes()
    for end in (0, 1, len(whole) // 2, len(whole) - 1, *range(2, len(whole), 97)):
        path.write_bytes(whole[:end])
        with pytest.raises(DataError, match=r"mine\.npz: .*(no \.npz file, or is cut off|damaged)"):
            read(path)


@given(at=st.integers(0, 10**6), bit=st.integers(0, 7))
def test_case_02_one_flipped_bit_is_an_error_or_changes_nothing(at: int, bit: int) -> None:
    stream = io.BytesIO()
    np.savez(stream, x=images(4, 3, 3), y=labels(4))
    data = bytearray(stream.getvalue())
    data[at % len(data)] ^= 1 << bit
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "mine.npz")
        path.write_bytes(data)
        try:
            found = read(path)
        except DataError:
            return
    np.testing.assert_array_equal(found.images[..., 0], images(4, 3, 3))
    np.testing.assert_array_equal(found.labels, labels(4))


def packed(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(f"{name}.npy", data)
    return path


def npy(header: str, data: bytes = b"", version: bytes = b"\1\0") -> bytes:
    text = header.encode("latin-1")
    length = len(text).to_bytes(2 if version == b"\1\0" else 4, "little")
    return b"\x93NUMPY" + version + length + text + data


def of(array: NDArray[Any]) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


HEADER = "{'descr': '|u1', 'fortran_order': False, 'shape': %s, }\n"


@pytest.mark.parametrize(
    ("member", "said"),
    [
        (npy(HEADER % "(1099511627776, 8, 8)"), r"declares uint8 \[1099511627776, 8, 8\], 70,"),
        (npy(HEADER % "(12, 8, 8)", bytes(767)), "768 bytes, but 767 follow"),
        (npy(HEADER % "(12, 8, 8)", bytes(769)), "768 bytes, but 769 follow"),
        (npy(HEADER % "(-1, 8, 8)", bytes(64)), "no side below 0"),
        (npy(HEADER % "(-2, -6, 64)", bytes(768)), "no side below 0"),
        (npy(HEADER % "(2.0, 8, 8)", bytes(128)), "header cannot be read"),
        (npy(HEADER % "__import__('os')"), "header cannot be read"),
        (npy(HEADER % ("(" * 3000)), "header cannot be read"),
        (npy("[" * 200_000, version=b"\2\0"), "header cannot be read"),
        (npy(HEADER.replace("|u1", "|x9") % "(1,)"), "header cannot be read"),
        (npy(HEADER % "(12,)", bytes(12), version=b"\x09\0"), "version 9.0 of the format is unkn"),
        (b"", "header cannot be read"),
        (b"\x93NUMPY", "header cannot be read"),
        (b"not an array", "header cannot be read"),
    ],
)
def test_case_05_headers_that_lie_are_refused_before_memory_is_asked_for(
    member: bytes, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(npz_members.Member, "blocks", None)
    monkeypatch.setattr(npz_members.Member, "read", None)
    path = packed(tmp_path / "mine.npz", x=member, y=of(labels()))
    with pytest.raises(DataError, match=rf"mine\.npz: x: .*{said}"):
        read(path)


def test_case_05_a_zip_directory_that_lies_is_refused(tmp_path: Path) -> None:
    header = npy(HEADER % "(12, 8, 8)")
    path = tmp_path / "mine.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("y.npy", of(labels()))
        archive.writestr("x.npy", header + bytes(400))
    data = bytearray(path.read_bytes())
    entry = data.rindex(b"PK\1\2")  # of x: its unpacked size stands 24 bytes in
    data[entry + 24 : entry + 28] = (len(header) + 768).to_bytes(4, "little")
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"x: the archive is damaged or cut off"):
        read(path)


def test_records_are_no_images(tmp_path: Path) -> None:
    records = np.zeros(12, dtype=[("a", "u1")])
    with pytest.raises(DataError, match="x: it holds records with fields"):
        read(written(tmp_path, x=records, y=labels()))


def test_case_06_a_bomb_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cnnlab.data.archive._FREE_BYTES", 1 << 20)
    monkeypatch.setattr(npz_members.Member, "blocks", None)
    bomb = np.zeros((40, 512, 512), np.uint8)
    np.savez_compressed(tmp_path / "mine.npz", x=bomb, y=labels(40))
    with pytest.raises(DataError, match="refused as a bomb"):
        read(tmp_path / "mine.npz")


@pytest.mark.parametrize("name", ["../x", "/x", "a/../../x", "C:/x", "..\\x"])
def test_case_06_members_that_lead_out_are_refused(name: str, tmp_path: Path) -> None:
    path = packed(tmp_path / "mine.npz", **{name: of(images()), "y": of(labels())})
    with pytest.raises(DataError, match="is not allowed in an archive"):
        read(path)


def test_case_06_one_name_twice_is_refused(tmp_path: Path) -> None:
    path = packed(tmp_path / "mine.npz", x=of(images()), y=of(labels()))
    with (
        zipfile.ZipFile(path, "a") as archive,
        pytest.warns(UserWarning, match="Duplicate name"),
    ):
        archive.writestr("x.npy", of(images(seed=1)))
    with pytest.raises(DataError, match="a name that occurs twice"):
        read(path)


def test_other_members_are_left_alone(tmp_path: Path) -> None:
    path = packed(tmp_path / "mine.npz", x=of(images()), y=of(labels()))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("readme.txt", "made by hand")
        archive.writestr("folder/", "")
    assert read(path).notes == ("not used: readme.txt",)


def test_what_is_no_zip_is_no_npz(tmp_path: Path) -> None:
    path = tmp_path / "mine.npz"
    np.save(path.with_suffix(".npy"), images())
    path.with_suffix(".npy").rename(path)
    with pytest.raises(
        DataError, match=r"no \.npz file, or is cut off; expected what numpy\.savez"
    ):
        read(path)


def test_an_array_that_python_2_wrote(tmp_path: Path) -> None:
    header = "{'descr': '|u1', 'fortran_order': False, 'shape': (12L, 8L, 8L), }"
    grey = images(12, 8, 8)
    path = packed(tmp_path / "mine.npz", x=npy(header, grey.tobytes()), y=of(labels()))
    np.testing.assert_array_equal(read(path).images[..., 0], grey)


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
