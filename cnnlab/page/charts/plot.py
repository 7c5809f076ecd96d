"""A plot: two axes and marks between them."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from cnnlab.page.charts.scale import Axis

__all__ = [
    "BOTTOM",
    "HEIGHT",
    "LEFT",
    "RIGHT",
    "TOP",
    "WIDTH",
    "Mark",
    "Plot",
    "Series",
    "plot_of",
    "sparkline",
]

#: Pixels of a plot before it is scaled to its place, and of the part between the axes.
WIDTH, HEIGHT = 460.0, 270.0
LEFT, RIGHT, TOP, BOTTOM = 70.0, 448.0, 18.0, 222.0

#: More points than this are more than a screen shows.
_MOST_POINTS = 400
_MOST_DOTS = 40
#: Looks that the style sheet knows: colour, dashes and shape together.
LOOKS = 6


@dataclass(frozen=True)
class Series:
    """A line: ``values`` over ``places``, None where there is none; ``look`` counts from 0."""

    name: str
    places: Sequence[float]
    values: Sequence[float | None]
    look: int = 0


@dataclass(frozen=True)
class Mark:
    """One thing to draw.

    Attributes
    ----------
    kind: "path", "dot", "rect" or "text".
    style: classes of the style sheet.
    path: of a path, its SVG data. x, y: of all others; width, height: of a rectangle.
    text: what is written, or what a dot or rectangle says of itself.
    """

    kind: str
    style: str
    path: str = ""
    x: float = 0.0
    y: float = 0.0
    width: float = 0.0
    height: float = 0.0
    text: str = ""


@dataclass(frozen=True)
class Plot:
    """All that the template draws.

    Attributes
    ----------
    title: above it. words: what is to be seen, for who does not see it.
    legend: names with their looks.
    readings: for the pointer: x, names, and a value each, as JSON; empty where nothing is read.
    table: header and rows of the numbers behind it.
    """

    title: str
    words: str
    x: Axis
    y: Axis
    marks: tuple[Mark, ...]
    legend: tuple[tuple[str, int], ...] = ()
    readings: str = ""
    header: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    height: float = HEIGHT
    bottom: float = BOTTOM
    left: float = field(default=LEFT)
    right: float = field(default=RIGHT)
    width: float = field(default=WIDTH)


def _thinned(series: Series) -> tuple[list[float], list[float | None]]:
    """No more points than can be seen; the last one always."""
    step = max(1, math.ceil(len(series.values) / _MOST_POINTS))
    kept = sorted({*range(0, len(series.values), step), len(series.values) - 1} - {-1})
    return [series.places[at] for at in kept], [series.values[at] for at in kept]


def _is_point(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def _line_marks(series: Series, x: Axis, y: Axis) -> list[Mark]:
    places, values = _thinned(series)
    points = [
        (x.at(place), y.at(value)) if value is not None and math.isfinite(value) else None
        for place, value in zip(places, values, strict=True)
    ]
    words, pen_down = [], False
    for point in points:
        if point is not None:
            words.append(f"{'L' if pen_down else 'M'}{point[0]:g} {point[1]:g}")
        pen_down = point is not None
    marks = [Mark("path", f"line s{series.look % LOOKS}", path="".join(words))] if words else []
    known = [point for point in points if point is not None]
    shown = known if len(known) <= _MOST_DOTS else known[-1:]
    return marks + [Mark("dot", f"dot s{series.look % LOOKS}", x=a, y=b) for a, b in shown]


def _cell(value: float | None) -> str:
    return f"{value:.4g}" if value is not None and math.isfinite(value) else "-"


def plot_of(
    title: str,
    words: str,
    x: Axis,
    y: Axis,
    series: Sequence[Series],
    *,
    under: Sequence[Mark] = (),
    over: Sequence[Mark] = (),
) -> Plot:
    """Lines over one another, with what lies under and over them."""
    drawn = [one for one in series if any(map(_is_point, one.values))]
    marks = [mark for one in drawn for mark in _line_marks(one, x, y)]
    places = sorted({place for one in drawn for place in _thinned(one)[0]})
    found = [
        {p: v for p, v in zip(*_thinned(one), strict=True) if v is not None and math.isfinite(v)}
        for one in drawn
    ]
    shown = [f"{place:g}" for place in places]
    columns = [[_cell(known.get(place)) for place in places] for known in found]
    readings = {
        "x": [x.at(place) for place in places],
        "at": shown,
        "xname": x.label,
        "names": [one.name for one in drawn],
        "looks": [one.look % LOOKS for one in drawn],
        "values": columns,
        "y": [[y.at(k[p]) if p in k else None for p in places] for k in found],
    }
    return Plot(
        title=title,
        words=words,
        x=x,
        y=y,
        marks=(*under, *marks, *over),
        legend=tuple((one.name, one.look % LOOKS) for one in drawn),
        readings=json.dumps(readings) if places else "",
        header=(x.label, *(f"{one.name}: {y.label}" for one in drawn)),
        rows=tuple(zip(shown, *columns, strict=True)) if places else (),
    )


def sparkline(values: Sequence[float], width: float = 72, height: float = 20) -> str:
    """SVG path data of a small line from corner to corner; empty for less than two values."""
    known = [value for value in values if math.isfinite(value)]
    if len(known) < 2:
        return ""
    step = max(1, math.ceil(len(known) / 60))
    known = [*known[:-1:step], known[-1]]
    low, span = min(known), (max(known) - min(known)) or 1.0
    points = (
        (2 + (width - 4) * at / max(len(known) - 1, 1), 2 + (height - 4) * (1 - (v - low) / span))
        for at, v in enumerate(known)
    )
    return "M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in points)
