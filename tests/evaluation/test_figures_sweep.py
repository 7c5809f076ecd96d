"""A sweep's figures show what they are given."""

import pytest

from cnnlab.errors import InputError
from cnnlab.evaluation.figures import (
    ConfirmedRow,
    ParallelAxis,
    ParallelLine,
    Scale,
    TrialPoint,
    confirmation_figure,
    importance_bars,
    parallel_coordinates,
    sweep_history,
)

SCALE = Scale("validation accuracy (%)", 100.0, larger=True)
LOSS = Scale("validation loss (nats)", 1.0, larger=False)


@pytest.mark.parametrize(
    ("scale", "best"), [(SCALE, [50, 70, 70, 70]), (LOSS, [0.5, 0.5, 0.4, 0.4])]
)
def test_history_has_points_crosses_and_the_best_so_far(scale, best):
    points = [TrialPoint(0, 0.5, True), TrialPoint(1, 0.7, True), TrialPoint(2, 0.9, False),
              TrialPoint(3, 0.4, True), TrialPoint(4, None, False)]  # fmt: skip
    (axes,) = sweep_history(points, scale=scale).figure().axes
    cut, done, line, base = axes.lines
    assert list(cut.get_xdata()) == [2]
    assert list(done.get_xdata()) == [0, 1, 3]
    assert list(line.get_ydata()) == pytest.approx(best)
    assert list(line.get_xdata()) == [0, 1, 3, 4]
    assert base.get_ydata()[0] == pytest.approx(0.5 * scale.factor)


def test_importance_is_sorted_and_in_percent():
    (axes,) = importance_bars({"a": 0.25, "b": 0.75}).figure().axes
    assert [bar.get_width() for bar in axes.patches] == [75, 25]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["b", "a"]


def test_confirmation_sets_the_search_beside_fresh_seeds():
    rows = [ConfirmedRow("trial 7", 0.9, (0.8, 0.82), 0.81, (0.7, 0.92)),
            ConfirmedRow("base <b>", None, (0.6,), 0.6, None)]  # fmt: skip
    figure = confirmation_figure(rows, scale=SCALE).figure()
    (axes,) = figure.axes
    diamonds = [line for line in axes.lines if line.get_marker() == "D"]
    assert [list(line.get_xdata()) for line in diamonds] == [[90.0]]
    marks = [line for line in axes.lines if line.get_marker() == "|" and len(line.get_xdata()) == 2
             and line.get_markersize() == 7]  # fmt: skip
    assert list(marks[0].get_xdata()) == pytest.approx([80, 82])
    assert len(figure.legends[0].get_texts()) == 3


def test_parallel_lines_stand_where_their_values_do():
    axes = [ParallelAxis("x", ((0.0, "low"), (1.0, "high"))), ParallelAxis("y", ((0.0, "a"),))]
    lines = [ParallelLine((0.25, 1.0), 0.5, True, True), ParallelLine((0.5, None), 0.4, False),
             ParallelLine((1.0, 0.0), 0.9, True)]  # fmt: skip
    drawn, colours = parallel_coordinates(axes, lines, scale=SCALE).figure().axes
    places = [tuple(map(float, line.get_ydata())) for line in drawn.lines]
    assert places == [(0.5,), (1.0, 0.0), (0.25, 1.0), (0.25, 1.0), (0.0, 1.0), (0.0, 1.0)]
    assert colours.get_ylabel() == SCALE.label


def test_axes_are_called_by_their_last_words_where_these_differ():
    names = ["optimizer.lr", "model.params.widths", "model.params.dropout", "x.dropout"]
    line = ParallelLine((0.5,) * 4, 0.5, True)
    drawn, _ = parallel_coordinates(
        [ParallelAxis(name, ()) for name in names], [line], scale=SCALE
    ).figure().axes  # fmt: skip
    said = [label.get_text() for label in drawn.get_xticklabels()]
    assert said == ["lr", "widths", "model.params.dropout", "x.dropout"]


def test_nothing_to_draw_is_an_error():
    with pytest.raises(InputError, match="no trial has a figure"):
        sweep_history([TrialPoint(0, None, False)], scale=SCALE)
    with pytest.raises(InputError):
        importance_bars({})
    with pytest.raises(InputError):
        confirmation_figure([], scale=SCALE)
    line = ParallelLine((0.1,), 1.0, False)
    with pytest.raises(InputError, match="trained to its end"):
        parallel_coordinates([ParallelAxis("x", ())], [line], scale=SCALE)
    with pytest.raises(InputError, match="one place for each axis"):
        parallel_coordinates([ParallelAxis("x", ())], [ParallelLine((), 1.0, True)], scale=SCALE)
