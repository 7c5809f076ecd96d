"""Loss against learning rate: every mark on the line, and a fall that can be seen."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from matplotlib.text import Text

from cnnlab.errors import InputError
from cnnlab.evaluation.figures import Picture, rate_curve

RATES = np.geomspace(1e-5, 1, 51)
LOSSES = np.interp(np.log10(RATES), [-5, -3, -1, 0], [2.0, 2.0, 1.5, 1.9])


def curve(**changed: object) -> Picture:
    wanted = {"suggestion": 0.01, "others": {"steep": 0.003, "minimum": 0.004}, **changed}
    return rate_curve(RATES.tolist(), LOSSES.tolist(), LOSSES.tolist(), **wanted)  # type: ignore[arg-type]


def test_bytes_are_whole_and_the_same_each_time() -> None:
    picture = curve()
    assert ET.fromstring(picture.svg()).tag.endswith("svg")
    assert picture.svg() == picture.svg()
    assert picture.png().startswith(b"\x89PNG")


def test_it_says_what_is_what() -> None:
    words = {m.strip() for m in re.findall(r"<!--(.*?)-->", curve().svg().decode(), re.DOTALL)}
    assert {"one batch", "smoothed", "suggestion: 0.01", "steep: 0.003"} <= words
    assert {"training loss (nats)", "0.001", "0.1"} <= words
    assert not any("mathdefault" in word for word in words)


def test_the_rate_s_axis_is_logarithmic_and_the_suggestion_stands_on_the_line() -> None:
    axes = curve().figure().axes[0]
    assert axes.get_xscale() == "log"
    (mark,) = [line for line in axes.lines if str(line.get_label()).startswith("suggestion")]
    ((rate, loss),) = mark.get_xydata()
    assert rate == 0.01
    assert loss == pytest.approx(1.75)  # half of the way from 1e-3 to 1e-1, in decades


def test_without_a_suggestion_there_is_the_curve() -> None:
    labels = [text.get_text() for text in curve(suggestion=None, others={}).figure().findobj(Text)]
    assert "smoothed" in labels
    assert not any("suggestion" in label for label in labels)


def test_a_loss_that_blew_up_does_not_hide_the_fall() -> None:
    blown = LOSSES.copy()
    blown[-3:] = [50, 900, 5000]
    picture = rate_curve(RATES.tolist(), blown.tolist(), blown.tolist(), suggestion=0.01, others={})
    low, high = picture.figure().axes[0].get_ylim()
    assert low < 1.5
    assert 2.0 < high < 3.0


@pytest.mark.parametrize("count", [1, 2])
def test_few_points_are_drawn(count: int) -> None:
    few = [2.0] * count
    rate_curve(RATES[:count].tolist(), few, few, suggestion=None, others={}).svg()


def test_names_are_shown_literally() -> None:
    assert curve(title="$x$ on\nb").figure().axes[0].get_title(loc="left") == r"$x$ on\nb"


def test_what_cannot_be_drawn_is_refused_at_once() -> None:
    with pytest.raises(InputError, match="1 losses and 2 smoothed ones for 2 rates"):
        rate_curve([1, 2], [1], [1, 2], suggestion=None, others={})
    with pytest.raises(InputError, match="no step was taken"):
        rate_curve([], [], [], suggestion=None, others={})
