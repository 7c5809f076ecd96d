"""The picture of a dataset: its words, its images, its bars, and that nothing is cut off."""

from __future__ import annotations

import io
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from matplotlib.text import Text
from numpy.typing import NDArray
from PIL import Image

from cnnlab.errors import InputError
from cnnlab.evaluation.figures import DatasetFigure, Picture, dataset_figure
from cnnlab.evaluation.figures.mosaic import mosaic

ODD_NAMES = ("<script>alert(1)</script>", "$x^2$ & \\alpha", "naïve “quotes”", "line\nbreak", "")


def figure(
    classes: int = 3,
    each: int = 4,
    shape: tuple[int, int, int] = (8, 8, 3),
    names: tuple[str, ...] | None = None,
    parts: tuple[str, ...] = ("train", "test"),
    **words: Any,
) -> Picture:
    names = names or tuple(f"class {label}" for label in range(classes))
    labels = np.repeat(np.arange(len(names)), each)
    images = np.zeros((len(labels), *shape), dtype=np.uint8) + 40
    counts = {part: 3 + at + np.arange(len(names)) for at, part in enumerate(parts)}
    said = {"title": "Pets", "lines": ["one line"], "notes": ["a note"], **words}
    return dataset_figure(DatasetFigure(class_names=names, counts=counts, **said), images, labels)


def words_in(picture: Picture) -> set[str]:
    return {m.strip() for m in re.findall(r"<!--(.*?)-->", picture.svg().decode(), re.DOTALL)}


def texts_of(drawn: Figure) -> list[Text]:
    texts = [text for text in drawn.findobj(Text) if isinstance(text, Text)]
    return [text for text in texts if text.get_text().strip() and text.get_visible()]


def test_title_lines_names_counts_and_notes_stand_in_it() -> None:
    words = words_in(figure())
    assert {"Pets", "one line", "a note", "class 0", "class 2", "train", "test"} <= words
    assert {"3", "4", "5", "6"} <= words


def test_names_are_shown_literally() -> None:
    words = words_in(figure(names=ODD_NAMES, title="<b>$1$</b>"))
    assert {"&lt;script&gt;alert(1)&lt;/script&gt;", "$x^2$ &amp; \\alpha"} <= words | {
        word.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") for word in words
    }
    assert "(no name)" in words
    assert any("line\\nbreak" in word for word in words)


@pytest.mark.parametrize(("classes", "channels"), [(1, 1), (2, 4), (20, 3), (21, 3), (300, 1)])
def test_nothing_is_cut_off_or_overlaps(classes: int, channels: int) -> None:
    picture = figure(
        classes,
        each=11 if classes <= 20 else 1,
        shape=(9, 7, channels),
        names=tuple(f"a class with a really quite long name {n}" for n in range(classes)),
        parts=("train", "validation", "test"),
        title="a title that is much too long " * 9,
        lines=["a line that is much too long " * 9],
        notes=["a note that is much too long " * 9, "a short one"],
    )
    drawn = picture.figure()
    page = drawn.bbox
    # matplotlib keeps labels of ticks beyond the axes, and does not draw them.
    texts = [text for text in texts_of(drawn) if classes <= 20 or not text.get_text().isdigit()]
    boxes = [(text.get_text(), text.get_window_extent()) for text in texts]
    for words, box in boxes:
        assert page.x0 <= box.x0, words
        assert box.x1 <= page.x1, words
        assert page.y0 <= box.y0, words
        assert box.y1 <= page.y1, words
    names = [box for words, box in boxes if words.startswith("a class")]
    assert len(names) == min(classes, 100)
    pictures = [axes.get_window_extent() for axes in drawn.axes if axes.images]
    for first, box in enumerate(names):
        assert not any(box.overlaps(other) for other in names[first + 1 :])
        assert not any(box.shrunk(1, 0.9).overlaps(image) for image in pictures)


def test_more_than_a_hundred_classes_are_said_to_be_left_out() -> None:
    assert "one image each of 100 of the 300 classes" in words_in(figure(300, each=1))
    assert not any("one image each" in word for word in words_in(figure(100, each=1)))


def pixels_of(picture: Picture) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(picture.png())) as image:
        return np.asarray(image.convert("RGB"))


def test_each_sample_is_drawn_once_in_its_class_s_row() -> None:
    """Images of one colour each, found again by their colour; the third class has one only."""
    labels = np.array([1, 0, 0, 2, 1])
    colours = np.array(
        [[200, 0, 0], [0, 200, 0], [0, 0, 200], [200, 200, 0], [200, 0, 200]], dtype=np.uint8
    )
    images = np.broadcast_to(colours[:, None, None], (5, 6, 6, 3))
    content = DatasetFigure("x", [], [], ["a", "b", "c"], {"train": np.array([2, 2, 1])})
    pixels = pixels_of(dataset_figure(content, images, labels))
    places = [np.argwhere((pixels == colour).all(axis=-1)) for colour in colours]
    heights = [place[:, 0].mean() for place in places]
    sides = [place[:, 1].mean() for place in places]
    assert heights[1] == heights[2] < heights[0] == heights[4] < heights[3]
    assert sides[1] < sides[2]
    assert sides[0] < sides[4]
    assert len({len(place) for place in places}) <= 3, "all of one size, to a pixel's rounding"


def test_grey_images_are_grey_and_transparent_ones_transparent() -> None:
    for channels, value, shown in ((1, 90, 90), (3, 90, 90), (4, 0, 255)):
        images = np.full((1, 6, 6, channels), value, dtype=np.uint8)
        content = DatasetFigure("x", [], [], ["a"], {"train": np.array([1])})
        pixels = pixels_of(dataset_figure(content, images, np.array([0])))
        assert (pixels == shown).all(axis=-1).any()
        assert ((pixels == 90).all(axis=-1).any()) == (channels < 4)


@pytest.mark.parametrize(
    ("counts", "labels", "says"),
    [
        ({}, [0], "counts do not fit"),
        ({"train": np.array([1])}, [0], "counts do not fit the classes; expected 2 a part"),
        ({"train": np.array([1, 2])}, [], "0 labels for 1 samples"),
        ({"train": np.array([1, 2])}, [2], "a sample of no class; expected labels 0 to 1"),
        ({"train": np.array([1, 2])}, [-1], "a sample of no class"),
    ],
)
def test_what_does_not_fit_is_refused_at_once(
    counts: dict[str, NDArray[np.int64]], labels: list[int], says: str
) -> None:
    content = DatasetFigure("x", [], [], ["a", "b"], counts)
    with pytest.raises(InputError, match=says):
        dataset_figure(content, np.zeros((1, 4, 4, 3), np.uint8), np.array(labels, dtype=np.int64))


@given(
    st.integers(1, 12), st.integers(1, 12), st.sampled_from([1, 3, 4]), st.integers(1, 5)
)  # fmt: skip
def test_a_mosaic_holds_each_image_in_its_cell(
    height: int, width: int, channels: int, count: int
) -> None:
    rng = np.random.default_rng(height * 100 + width)
    images = rng.integers(1, 256, (count, height, width, channels), dtype=np.uint8)
    places = rng.permutation(6)[:count]
    canvas = mosaic(images, places, (2, 3))
    side = canvas.shape[0] // 2
    assert canvas.shape == (2 * side, 3 * side, 4)
    assert side >= max(height, width)
    for image, place in zip(images, places, strict=True):
        row, column = divmod(int(place), 3)
        cell = canvas[row * side : (row + 1) * side, column * side : (column + 1) * side]
        inside = np.argwhere(cell[..., 3] > 0)
        assert len(inside) == height * width
        top, left = inside.min(axis=0)
        found = cell[top : top + height, left : left + width]
        colour = image[..., [0, 0, 0]] if channels == 1 else image[..., :3]
        np.testing.assert_array_equal(found[..., :3], colour)
    empty = [place for place in range(6) if place not in places]
    for place in empty:
        row, column = divmod(place, 3)
        assert not canvas[row * side : (row + 1) * side, column * side : (column + 1) * side].any()


def test_large_images_are_thinned_out() -> None:
    assert mosaic(np.zeros((1, 900, 400, 3), np.uint8), np.array([0]), (1, 1)).shape[0] < 110
