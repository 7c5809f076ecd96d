"""Pictures: what stands in them, that nothing overlaps, and that their bytes never change."""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterable

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.text import Text
from matplotlib.transforms import Bbox
from numpy.typing import NDArray

from cnnlab.errors import InputError
from cnnlab.evaluation.figures import (
    DatasetFigure,
    Measured,
    Picture,
    StageCurves,
    comparison_chart,
    confusion_heat_map,
    dataset_figure,
    learning_curves,
    resource_figure,
    sample_grid,
)
from cnnlab.metrics.statistics import wilson_interval

ODD_NAMES = (
    "<script>alert(1)</script>",
    "$x^2$ & \\alpha",
    "--> ]]> <!--",
    "a class with a really quite long name",
    "naïve “quotes”",
    "line\nbreak\x00",
    "",
)


def matrix(classes: int, per_class: int = 100) -> NDArray[np.int64]:
    rng = np.random.default_rng(classes)
    return rng.integers(0, 3, (classes, classes)) + per_class * np.eye(classes, dtype=np.int64)


def stage(number: int, epochs: int, *series: str) -> StageCurves:
    falling = [2.0 / (epoch + 1) for epoch in range(epochs)]
    names = series or ("train", "inner validation", "validation")
    return StageCurves(
        number,
        loss=dict.fromkeys(names, falling),
        accuracy={name: [1 - value / 3 for value in falling] for name in names},
    )


def measured(right: int, n: int = 100) -> Measured:
    return Measured(right / n, wilson_interval(right, n))


def look_into(classes: int) -> Picture:
    content = DatasetFigure(
        "Pets",
        ["a line"],
        ["a note"],
        [f"class {label}" for label in range(classes)],
        {"train": np.arange(classes), "test": np.arange(classes)},
    )
    images = np.arange(classes * 48, dtype=np.int64).reshape(classes, 4, 4, 3).astype(np.uint8)
    return dataset_figure(content, images, np.arange(classes))


PICTURES = {
    "two classes": confusion_heat_map(matrix(2), ["no", "yes"]),
    "odd names": confusion_heat_map(matrix(len(ODD_NAMES)), ODD_NAMES),
    "a hundred classes": confusion_heat_map(matrix(100), [f"class {i}" for i in range(100)]),
    "one epoch": learning_curves([stage(1, 1)]),
    "four stages": learning_curves([stage(number, 10) for number in range(1, 5)]),
    "resources": resource_figure([0.0, 1.0], [10.0, None], [1e9, 3e9], [60.0, None]),
    "grid": sample_grid(np.zeros((11, 8, 8, 3), np.uint8), [f"${i}" for i in range(11)]),
    "comparison": comparison_chart(["a", "$b$"], {"validation": [measured(80), measured(100)]}),
    "a dataset of few classes": look_into(3),
    "a dataset of many classes": look_into(30),
}


def words_in(picture: Picture) -> set[str]:
    """The texts of an SVG file: matplotlib notes the text of each group of outlines."""
    return {m.strip() for m in re.findall(r"<!--(.*?)-->", picture.svg().decode(), re.DOTALL)}


def boxes(texts: Iterable[Text]) -> list[Bbox]:
    return [text.get_window_extent() for text in texts if text.get_text() and text.get_visible()]


@pytest.mark.parametrize("name", PICTURES)
def test_bytes_are_whole_and_the_same_each_time(name: str) -> None:
    picture = PICTURES[name]
    assert ET.fromstring(picture.svg()).tag.endswith("svg")
    assert picture.svg() == picture.svg()
    assert picture.png().startswith(b"\x89PNG")


def test_png_files_are_the_same_each_time() -> None:
    assert PICTURES["odd names"].png() == PICTURES["odd names"].png()


def test_the_user_s_own_settings_neither_matter_nor_change() -> None:
    expected = PICTURES["four stages"].svg()
    with mpl.rc_context({"font.size": 30, "axes.facecolor": "red", "svg.fonttype": "none"}):
        before = dict(mpl.rcParams)
        assert PICTURES["four stages"].svg() == expected
        assert dict(mpl.rcParams) == before


def test_neither_pyplot_nor_a_backend_of_the_user_s_is_touched() -> None:
    code = (
        "import sys\n"
        "from cnnlab.evaluation.figures import confusion_heat_map\n"
        "assert 'matplotlib' not in sys.modules\n"
        "confusion_heat_map([[1]], ['a']).png()\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


def test_confusion_axes_are_named_and_counts_written() -> None:
    words = words_in(confusion_heat_map([[901, 2], [3, 704]], ["cat", "dog"]))
    assert {"True class", "Predicted class", "cat", "dog", "901", "2", "3", "704"} <= words


def test_rows_of_the_heat_map_are_true_classes() -> None:
    axes = confusion_heat_map([[5, 2], [0, 3]], ["cat", "dog"]).figure().axes[0]
    placed = {text.get_text(): text.get_position() for text in axes.texts}
    assert placed["2"] == (1, 0)  # column 1 (predicted dog), row 0 (true cat)
    assert axes.yaxis_inverted()  # row 0 is on top
    assert axes.get_ylabel() == "True class"


def test_names_are_shown_literally() -> None:
    figure = PICTURES["odd names"].figure()
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels[0] == "<script>alert(1)</script>"
    assert labels[1] == "$x^2$ & \\alpha"
    assert labels[3] == "a class with a re…ong name"
    assert labels[5] == r"line\nbreak\x00"
    assert labels[6] == "(no name)"
    assert not any(text.get_parse_math() for text in figure.findobj(Text))


def test_a_class_without_images_is_grey_and_its_counts_stand() -> None:
    figure = confusion_heat_map([[5, 0], [0, 0]], ["seen", "unseen"]).figure()
    colours = figure.axes[0].collections[0].get_facecolors()
    assert tuple(colours[2]) == tuple(colours[3]) == mpl.colors.to_rgba("#d9d9d9")


@pytest.mark.parametrize(
    ("classes", "named"), [(20, 20), (21, 21), (45, 45), (100, 20), (1000, 40)]
)
def test_many_classes_stay_legible(classes: int, named: int) -> None:
    names = [f"quite a long class name {i}" for i in range(classes)]
    figure = confusion_heat_map(matrix(classes), names).figure()
    axes = figure.axes[0]
    labels = axes.get_yticklabels()
    assert len(labels) == named
    assert bool(axes.texts) == (classes <= 20)
    for above, below in itertools.pairwise(boxes(labels)):
        assert not above.overlaps(below)
    page = figure.bbox
    for box in boxes([*labels, *axes.get_xticklabels(), axes.xaxis.label, axes.yaxis.label]):
        assert page.x0 <= box.x0
        assert box.x1 <= page.x1
        assert page.y0 <= box.y0
    step = classes // named
    assert (f"one in {step} of {classes:,} is named" in axes.get_ylabel()) == (step > 1)


def test_counts_fit_their_cells() -> None:
    figure = confusion_heat_map(matrix(20, per_class=54321), [str(i) for i in range(20)]).figure()
    axes = figure.axes[0]
    cell = axes.get_window_extent().width / 20
    assert max(box.width for box in boxes(axes.texts)) < cell


def test_curves_show_every_series_and_stage() -> None:
    words = words_in(PICTURES["four stages"])
    assert {"train", "inner validation", "validation", "Loss", "Accuracy"} <= words
    assert {"stage 1", "stage 4", "top-1 accuracy (%)", "cross-entropy (nats)"} <= words
    assert "inner validation" not in words_in(learning_curves([stage(1, 3, "train")]))


def test_curves_are_broken_between_stages() -> None:
    loss = learning_curves([stage(1, 3, "train"), stage(2, 2, "train")]).figure().axes[0]
    lines = [line.get_xdata().tolist() for line in loss.get_lines() if line.get_label() == "train"]
    assert lines == [[1, 2, 3], [4, 5]]


@pytest.mark.parametrize("epochs", [[10, 10, 10, 10], [1] * 30, [40, 1, 1], [1, 1, 40]])
def test_names_of_stages_do_not_overlap(epochs: list[int]) -> None:
    figure = learning_curves([stage(i, n) for i, n in enumerate(epochs, start=1)]).figure()
    for axes in figure.axes:
        found = boxes([*axes.texts, axes.title, axes._left_title])
        for first, second in itertools.combinations(found, 2):
            assert not first.overlaps(second)


def test_a_loss_that_blew_up_has_a_logarithmic_axis_and_gaps() -> None:
    broken = StageCurves(1, {"train": [2.0, 500.0, float("inf"), None]}, {"train": [0.1] * 4})
    loss = learning_curves([broken]).figure().axes[0]
    assert loss.get_yscale() == "log"
    assert np.isnan(loss.get_lines()[0].get_ydata()).tolist() == [False, False, True, True]


def test_resources_without_a_sensor_have_two_panels() -> None:
    assert len(resource_figure([0.0], [5.0], [1e9], None).figure().axes) == 2
    assert len(resource_figure([0.0], [5.0], [1e9], [None]).figure().axes) == 2
    assert len(PICTURES["resources"].figure().axes) == 3


@pytest.mark.parametrize(
    ("seconds", "unit"), [(100.0, "seconds"), (600.0, "minutes"), (9e4, "hours")]
)
def test_time_has_a_fitting_unit(seconds: float, unit: str) -> None:
    assert f"time since the start ({unit})" in words_in(
        resource_figure([0.0, seconds], [1.0, 2.0], [1e6, 2e6])
    )


def test_comparison_shows_values_and_whiskers() -> None:
    picture = comparison_chart(
        ["one", "two"], {"validation": [measured(80), None], "test": [None, measured(7)]}
    )
    words = words_in(picture)
    assert {"one", "two", "80.00", "7.00", "validation", "test"} <= words
    assert "top-1 accuracy (%); whiskers: 95% interval" in words
    # A name with one dot has it at its own height.
    heights = [
        container.lines[0].get_ydata().tolist() for container in picture.figure().axes[0].containers
    ]
    assert heights == [[0.0], [1.0]]


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_grids_of_any_channels(channels: int) -> None:
    images = np.full((3, 4, 6, channels), 255, np.uint8)
    assert {"a", "b", "$c$"} <= words_in(sample_grid(images, ["a", "b", "$c$"]))


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: confusion_heat_map([[0]], ["a"]), "empty"),
        (lambda: confusion_heat_map([[1]], ["a", "b"]), "2 class names for 1 rows"),
        (lambda: learning_curves([]), "no epoch"),
        (lambda: learning_curves([stage(1, 1, "tset")]), "no series is called 'tset'"),
        (lambda: resource_figure([], [], []), "no sample"),
        (lambda: resource_figure([0.0], [], [1.0]), "cpu_percent: 0 values for 1 times"),
        (lambda: resource_figure([0.0, 1.0], [0, 0], [0, 0], [1.0]), "temperature: 1 values"),
        (lambda: sample_grid(np.zeros((1, 2, 2, 5), np.uint8), ["a"]), "expected uint8"),
        (lambda: sample_grid(np.zeros((0, 2, 2, 3), np.uint8), []), "0 titles for 0 images"),
        (lambda: comparison_chart(["a"], {"test": [None]}), "no accuracy"),
        (lambda: comparison_chart(["a"], {"test": []}), "test: 0 values for 1 runs"),
    ],
)
def test_what_cannot_be_drawn_is_refused_at_once(make: Callable[[], Picture], says: str) -> None:
    with pytest.raises(InputError, match=says):
        make()
