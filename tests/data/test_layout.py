"""Which class and part a path belongs to."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnlab.data.layout import Layout, arrange, ignored_note
from cnnlab.errors import DataError

WHERE = Path("pets")


def laid_out(*images: str, folders: tuple[str, ...] = ()) -> Layout:
    return arrange(WHERE, images, folders)


def test_class_folders_alone_are_train() -> None:
    layout = laid_out("dog/2.png", "cat/1.png", "dog/1.png")
    assert layout.class_names == ("cat", "dog")
    assert layout.files == ("cat/1.png", "dog/1.png", "dog/2.png")
    assert layout.labels == (0, 1, 1)
    assert layout.parts == {"train": 3}
    assert layout.notes == ()


@pytest.mark.parametrize("wrap", ["", "wrapper/", "a/b/"])
@pytest.mark.parametrize(
    ("train", "validation", "test"),
    [
        ("train", "validation", "test"),
        ("Train", "VAL", "Test"),
        ("training", "valid", "testing"),
    ],
)
def test_parts_under_any_of_their_names(wrap: str, train: str, validation: str, test: str) -> None:
    layout = laid_out(
        f"{wrap}{test}/cat/1.png",
        f"{wrap}{validation}/dog/1.png",
        f"{wrap}{train}/cat/1.png",
        f"{wrap}{train}/dog/1.png",
    )
    assert layout.parts == {"train": 2, "validation": 1, "test": 1}
    assert list(layout.parts) == ["train", "validation", "test"]
    assert layout.labels == (0, 1, 1, 0)
    assert layout.files[-1] == f"{wrap}{test}/cat/1.png"
    assert layout.notes == (
        "validation has no images of: cat",
        "test has no images of: dog",
    )


def test_a_test_folder_that_lacks_a_class_shifts_no_index() -> None:
    layout = laid_out("train/a/1.png", "train/b/1.png", "train/c/1.png", "test/c/1.png")
    assert layout.class_names == ("a", "b", "c")
    assert layout.labels == (0, 1, 2, 2)


@pytest.mark.parametrize("part", ["validation", "test"])
def test_a_class_that_train_lacks_is_named(part: str) -> None:
    with pytest.raises(DataError, match=f"class 'fox' is in {part} but not in train") as caught:
        laid_out("train/a/1.png", "train/b/1.png", f"{part}/fox/1.png")
    assert "expected the classes of train: a, b" in str(caught.value)


@pytest.mark.parametrize("folder", ["cat", "train/cat", "test/cat", "wrapped/train/cat"])
def test_case_09_an_empty_class_is_named(folder: str) -> None:
    base = folder[: -len("cat")]
    images = [f"{base}dog/1.png", f"{base}fox/1.png"]
    if base == "test/":
        images += ["train/cat/1.png", "train/dog/1.png", "train/fox/1.png"]
    with pytest.raises(DataError, match=f"class 'cat' has no images in '{folder}/'"):
        laid_out(*images, folders=(folder,))


def test_one_class_is_not_enough() -> None:
    with pytest.raises(DataError, match="only one class, 'cat'; expected at least two"):
        laid_out("cat/1.png", "cat/2.png")
    with pytest.raises(DataError, match="only one class, 'cat'"):
        laid_out("train/cat/1.png", "test/cat/2.png")
    with pytest.raises(DataError, match="no class folders with images"):
        laid_out()


@pytest.mark.parametrize(
    "stray", ["1.png", "train/1.png", "test/1.png", "wrapped/1.png", "wrapped/train/1.png"]
)
def test_an_image_outside_any_class_is_named(stray: str) -> None:
    base = stray.rpartition("/")[0]
    inside = base if base.endswith(("train", "test")) else f"{base}/train".strip("/")
    train = inside.replace("test", "train")
    with pytest.raises(DataError, match=f"image '{stray}' lies outside any class folder"):
        laid_out(stray, f"{train}/a/1.png", f"{train}/b/1.png", f"{inside}/a/2.png")
    with pytest.raises(DataError, match=r"image 'x\.png' lies outside"):
        laid_out("x.png", "a/1.png", "b/1.png")


def test_class_folders_beside_parts_are_refused() -> None:
    with pytest.raises(DataError, match="'cat/' lies beside 'train/'"):
        laid_out("cat/1.png", "train/a/1.png", "train/b/1.png")


def test_folders_without_images_beside_parts_do_not_matter() -> None:
    layout = laid_out("train/a/1.png", "train/b/1.png", folders=("docs", "docs/deep"))
    assert layout.class_names == ("a", "b")


def test_a_class_may_be_called_train() -> None:
    layout = laid_out("train/1.png", "ship/1.png", "test/1.png")
    assert layout.class_names == ("ship", "test", "train")
    assert layout.parts == {"train": 3}


def test_a_part_twice_is_refused() -> None:
    with pytest.raises(DataError, match="both 'val/' and 'validation/' are validation"):
        laid_out("train/a/1.png", "train/b/1.png", "val/a/1.png", "validation/a/1.png")


def test_parts_without_train_are_refused() -> None:
    with pytest.raises(DataError, match="'test/' is there, but no 'train/'"):
        laid_out("test/a/1.png", "test/b/1.png")


def test_images_deeper_in_a_class_belong_to_it_and_are_said() -> None:
    layout = laid_out("cat/2.png", "cat/old/very/1.png", "dog/1.png")
    assert layout.files == ("cat/2.png", "cat/old/very/1.png", "dog/1.png")
    assert layout.notes == ("1 images lie in folders inside their class's folder",)


def test_case_11_class_names_are_kept_literally() -> None:
    names = ["a b", "'quoted'", '"', "<script>alert(1)", "Käse", "猫", "%s", "{x}", "-"]
    layout = laid_out(*(f"train/{name}/1.png" for name in names))
    assert layout.class_names == tuple(sorted(names))


def test_a_name_that_is_no_utf8_is_refused_in_printable_words() -> None:
    with pytest.raises(DataError, match=r"name 'b\\udcff' is not valid UTF-8") as caught:
        laid_out("a/1.png", "b\udcff/1.png")
    str(caught.value).encode()


def test_thousands_of_classes() -> None:
    layout = laid_out(*(f"{number:04d}/1.png" for number in reversed(range(5_000))))
    assert len(layout.class_names) == 5_000
    assert layout.labels == tuple(range(5_000))
    with pytest.raises(DataError) as caught:
        laid_out(*(f"train/{n}/1.png" for n in range(5_000)), "test/fox/1.png")
    assert "and 4,990 more" in str(caught.value)
    assert len(str(caught.value)) < 400


@given(
    st.lists(
        st.tuples(st.sampled_from(["train", "test"]), st.sampled_from("abc"), st.integers(0, 30)),
        unique=True,
    )
)
def test_every_image_gets_one_row_with_its_own_class(rows: list[tuple[str, str, int]]) -> None:
    rows += [("train", name, 99) for name in "abc"]
    paths = [f"{part}/{name}/{number}.png" for part, name, number in rows]
    layout = laid_out(*paths)
    assert sorted(layout.files) == sorted(paths)
    parts = list(itertools.chain(*([part] * count for part, count in layout.parts.items())))
    for path, label, part in zip(layout.files, layout.labels, parts, strict=True):
        assert path.split("/")[:2] == [part, layout.class_names[label]]


def test_case_08_what_was_ignored_is_one_line() -> None:
    note = ignored_note([".DS_Store", "a/.DS_Store", "__MACOSX", "a/x.TXT", "b/y.csv", "b/README"])
    assert note == (
        "ignored, being no images: 1 x *.TXT, 1 x *.csv, 2 x .DS_Store, 1 x __MACOSX, "
        "1 x files without a suffix"
    )
    assert ignored_note([]) is None
    many = ignored_note(f"a/x.{number}" for number in range(40))
    assert many is not None
    assert many.endswith("and 30 more kinds")


def test_more_class_folders_than_anybody_means_are_refused() -> None:
    images = [f"{number}/a.png" for number in range(10_001)]
    assert len(arrange(Path("x"), images[1:], []).class_names) == 10_000
    with pytest.raises(DataError, match="x: 10,001 class folders; expected at most 10,000 classes"):
        arrange(Path("x"), images, [])
