"""Labels and class names in .npz files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from npz_files import images, labels, read, written
from numpy.typing import NDArray

from cnnlab.errors import DataError


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


def test_names_of_files_are_no_names_of_classes(tmp_path: Path) -> None:
    names = [f"{number}.png" for number in range(12)]
    found = read(written(tmp_path, images=images(), labels=labels(), names=names))
    assert found.class_names == ("0", "1", "2")


def test_more_class_names_than_anybody_means_are_refused(tmp_path: Path) -> None:
    names = np.array([f"class {number}" for number in range(10_001)])
    with pytest.raises(DataError, match="class_names: 10,001 class names; expected at most 10,000"):
        read(written(tmp_path, x=images(), y=labels(), class_names=names))
