"""Charts: marks where the values are, round numbers beside them, nothing that is not finite."""

from __future__ import annotations

import json
import math
import re
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnlab.metrics import Interval, ReliabilityBin
from cnnlab.page.charts import (
    Curves,
    curve_plots,
    interval_plot,
    reliability_plot,
    resource_plots,
    sparkline,
)
from cnnlab.page.charts.scale import linear_axis, log_axis

finite = st.floats(-1e6, 1e6, allow_nan=False)


@given(st.lists(finite, min_size=1, max_size=50), st.booleans())
def test_an_axis_holds_all_values_and_its_marks_are_round(values: list[float], whole: bool) -> None:
    axis = linear_axis("x", values, (0, 100), whole=whole)
    slack = 1e-8 * (max(values) - min(values)) + 1e-9
    assert axis.low <= min(values) + slack
    assert axis.high >= max(values) - slack
    assert 1 <= len(axis.ticks) <= 9
    for value in values:
        assert -0.01 <= axis.at(value) <= 100.01
    places = [place for place, _ in axis.ticks]
    for step in (b - a for a, b in pairwise(places)):
        power = 10.0 ** np.floor(np.log10(step) + 1e-9)
        assert any(step == pytest.approx(power * n, rel=1e-5) for n in (1, 2, 2.5, 3, 5, 10))
    if whole:
        assert all(place == int(place) for place in places)


@given(st.lists(st.floats(1e-8, 1e8), min_size=1, max_size=20))
def test_a_logarithmic_axis_has_powers_of_ten_around_all_values(values: list[float]) -> None:
    axis = log_axis("loss", values, (200, 0))
    assert axis.low <= min(values) * (1 + 1e-9)
    assert axis.high >= max(values) * (1 - 1e-9)
    powers = [math.log10(place) for place, _ in axis.ticks]
    assert powers == pytest.approx([round(power) for power in powers])
    assert 0 <= axis.at(values[0]) <= 200


def _metrics(*stages: int) -> list[dict[str, float]]:
    return [
        {"stage": s, "epoch": e, "lr": 0.1 / e, "train_loss": 2.0 / e, "train_accuracy": 0.1 * e,
         "validation_loss": 2.5 / e, "validation_accuracy": 0.08 * e}
        for s, epochs in enumerate(stages, start=1) for e in range(1, epochs + 1)
    ]  # fmt: skip


def test_curves_have_their_values_where_the_axes_say() -> None:
    accuracy, loss, rate = curve_plots([Curves("run", _metrics(3), (1, 3))])
    assert accuracy.y.label == "accuracy (%)"
    assert (loss.y.label, loss.x.label) == ("cross-entropy (nats)", "epoch")
    assert rate.title == "Learning rate"
    assert [name for name, _ in accuracy.legend] == ["train", "validation"]
    read = json.loads(accuracy.readings)
    assert read["values"] == [["10", "20", "30"], ["8", "16", "24"]]
    for value, pixel in zip((10, 20, 30), read["y"][0], strict=True):
        assert pixel == pytest.approx(accuracy.y.at(value))
    assert accuracy.rows[1] == ("2", "20", "16")
    path = next(mark.path for mark in accuracy.marks if mark.style.startswith("line"))
    points = [tuple(map(float, pair.split())) for pair in re.split("[ML]", path)[1:]]
    assert points == [(accuracy.x.at(e), accuracy.y.at(10 * e)) for e in (1, 2, 3)]
    assert any(mark.style == "chosen" for mark in accuracy.marks)


def test_stages_are_told_apart_and_their_epochs_counted_on() -> None:
    accuracy = curve_plots([Curves("run", _metrics(2, 3))])[0]
    assert accuracy.x.label == "epoch, counted over all stages"
    assert [m.text for m in accuracy.marks if m.kind == "text"] == ["stage 1", "stage 2"]
    [border] = [m.path for m in accuracy.marks if m.style == "border"]
    assert border.startswith(f"M{accuracy.x.at(2.5):g} ")


def test_runs_lie_over_each_other_by_what_they_were_watched_by() -> None:
    bare = [{"stage": 1, "epoch": 1, "train_loss": 1.0, "train_accuracy": 0.5}]
    plots = curve_plots([Curves("a", _metrics(2)), Curves("b", bare)])
    assert [plot.title for plot in plots] == ["Accuracy", "Loss"]
    assert [name for name, _ in plots[0].legend] == ["a (validation)", "b (train)"]


def test_a_line_that_grows_has_its_place_from_the_start() -> None:
    plots = curve_plots([Curves("run", _metrics(1))], planned=20)
    assert plots[0].x.high == 10.5
    assert curve_plots([Curves("run", _metrics(8))], planned=20)[0].x.high == 16.5
    assert curve_plots([Curves("run", _metrics(8))], planned=9)[0].x.high == 9.5
    assert curve_plots([Curves("run", [])], planned=20) == []


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_leaves_a_gap(value: float) -> None:
    metrics = _metrics(3)
    metrics[1]["train_loss"] = value
    loss = curve_plots([Curves("run", metrics)])[1]
    drawn = " ".join(mark.path for mark in loss.marks)
    assert "nan" not in drawn
    assert "inf" not in drawn
    path = next(mark.path for mark in loss.marks if mark.style == "line s0")
    assert path.count("M") == 2
    assert loss.rows[1][1] == "-"


def test_a_loss_over_orders_of_magnitude_has_a_logarithmic_axis() -> None:
    metrics = _metrics(2)
    metrics[0]["train_loss"] = 500.0
    assert curve_plots([Curves("run", metrics)])[1].y.logarithmic


def test_a_thousand_epochs_are_thinned_and_the_last_is_kept() -> None:
    accuracy = curve_plots([Curves("run", _metrics(1000))])[0]
    assert len(accuracy.rows) <= 501
    assert accuracy.rows[-1][0] == "1000"


def test_the_load_is_told_in_minutes_once_it_takes_some() -> None:
    samples = [{"seconds": 60.0 * m, "cpu_percent": 50.0, "memory_bytes": 1 << 20} for m in (1, 4)]
    processor, memory = resource_plots(samples)
    assert "minutes" in processor.x.label
    assert memory.rows[1] == ("4", "1")
    assert "seconds" in resource_plots(samples[:1])[0].x.label
    assert resource_plots([]) == []


def test_reliability_says_where_it_is_furthest_off() -> None:
    bins = [ReliabilityBin(50, 0.55, 0.54), ReliabilityBin(50, 0.9, 0.7)]
    plot = reliability_plot(bins)
    assert "90% sure and 70% right" in plot.words
    assert len([m for m in plot.marks if m.style.startswith("whisker")]) == 2


def test_intervals_lie_where_they_are() -> None:
    rows = [("a", 0.8, Interval(0.75, 0.85)), ("b", 0.9, Interval(0.88, 0.92))]
    plot = interval_plot(rows, "validation")
    whiskers = [m.path for m in plot.marks if "wide" in m.style]
    for (_, _, interval), path in zip(rows, whiskers, strict=True):
        found = re.fullmatch(r"M([\d.]+) [\d.]+H([\d.]+)", path)
        assert found is not None
        assert float(found[1]) == pytest.approx(plot.x.at(100 * interval.low), abs=0.01)
        assert float(found[2]) == pytest.approx(plot.x.at(100 * interval.high), abs=0.01)


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=300))
def test_a_sparkline_stays_within_its_box(values: list[float]) -> None:
    path = sparkline([v for v in values if not math.isfinite(v) or abs(v) < 1e9])
    numbers = [float(n) for n in re.findall(r"[\d.]+", path)]
    assert all(0 <= x <= 72 for x in numbers[::2])
    assert all(0 <= y <= 20 for y in numbers[1::2])
