"""The outlines held against geometry, the pictures against what they must be."""

from __future__ import annotations

import hashlib
import math

import numpy as np
import pytest
from matplotlib.path import Path as Polygon
from numpy.typing import NDArray

from cnnlab.data.shapes_drawing import SIDE, covered, draw
from cnnlab.data.shapes_outlines import OUTLINES, capsule

STEP = 0.005


def grid() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    axis = np.arange(-1.3, 1.3, STEP) + STEP / 2
    return np.meshgrid(axis, axis)


def area(inside: NDArray[np.bool_]) -> float:
    return float(inside.sum()) * STEP**2


def corners(count: int, radius: float, start: float) -> NDArray[np.float64]:
    angles = np.radians(start + 360 / count * np.arange(count))
    return radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)


def lens(first: float, second: float, apart: float) -> float:
    """What two overlapping discs share (E. Weisstein, "Circle-circle intersection")."""
    a, b = (apart**2 + first**2 - second**2), (apart**2 + second**2 - first**2)
    root = (
        (-apart + first + second) * (apart + first - second)
        * (apart - first + second) * (apart + first + second)
    )  # fmt: skip
    return (
        first**2 * math.acos(a / (2 * apart * first))
        + second**2 * math.acos(b / (2 * apart * second))
        - 0.5 * math.sqrt(root)
    )


def star_area(tip: float) -> float:
    points = np.empty((10, 2))
    points[::2] = corners(5, tip, -90)
    points[1::2] = corners(5, tip * math.sin(math.radians(18)) / math.sin(math.radians(54)), -54)
    u, v = grid()
    return area(Polygon(points).contains_points(np.stack([u.ravel(), v.ravel()], axis=1)))


@pytest.mark.parametrize("detail", [0.0, 0.9])
def test_every_outline_encloses_the_area_that_geometry_says(detail: float) -> None:
    arm, heart = 0.24 + 0.1 * detail, 0.5 + 0.04 * detail
    expected = {
        "circle": math.pi * (0.85 + 0.1 * detail) ** 2,
        "square": 4 * (0.72 + 0.06 * detail) ** 2,
        "triangle": 3 * math.sqrt(3) * (0.52 + 0.04 * detail) ** 2,
        "rectangle": 4 * 0.95 * (0.38 + 0.12 * detail),
        "ellipse": math.pi * (0.42 + 0.12 * detail),
        "star": star_area(1.02 + 0.1 * detail),
        "cross": 8 * 0.95 * arm - 4 * arm**2,
        "ring": math.pi * 4 * 0.72 * (0.2 + 0.05 * detail),
        "crescent": math.pi - lens(1.0, 0.8, 0.52 + 0.1 * detail),
        "heart": 4 * heart**2 + math.pi * heart**2,
    }
    assert list(expected) == list(OUTLINES)
    u, v = grid()
    for name, outline in OUTLINES.items():
        distance = outline(u, v, np.full_like(u, detail))
        assert area(distance < 0) == pytest.approx(expected[name], rel=5e-3), name


@pytest.mark.parametrize("name", OUTLINES)
def test_the_distance_grows_by_one_a_unit_at_the_border(name: str) -> None:
    """So that an edge is smooth over one pixel; corners, where it bends, are few."""
    u, v = grid()
    distance = OUTLINES[name](u, v, np.full_like(u, 0.5))
    slope = np.hypot(*np.gradient(distance, STEP))
    assert np.median(slope[np.abs(distance) < 0.02]) == pytest.approx(1.0, abs=0.02)
    assert np.hypot(u, v)[distance < 0].max() < 1.15, "it would be cut off by the picture's edge"


def test_a_stroke_is_a_disc_drawn_along_a_line() -> None:
    u, v = grid()
    inside = capsule(u, v, np.full_like(u, 0.4), np.full_like(u, 0.3)) < 0
    assert area(inside) == pytest.approx(4 * 0.4 * 0.3 + math.pi * 0.3**2, rel=5e-3)


def drawn(seed: int, indices: list[int], labels: list[int]) -> NDArray[np.uint8]:
    images = np.zeros((len(indices), SIDE, SIDE, 3), dtype=np.uint8)
    draw(seed, np.array(indices), np.array(labels), images)
    return images


def test_an_image_depends_on_seed_number_and_class_alone() -> None:
    together = drawn(5, list(range(300)), [i % 10 for i in range(300)])
    alone = drawn(5, [299], [9])
    np.testing.assert_array_equal(together[299], alone[0])
    for other in (drawn(6, [299], [9]), drawn(5, [298], [9]), drawn(5, [299], [8])):
        assert (other != alone).any()


def test_two_classes_of_one_drawing_differ_where_one_of_them_covers_the_ground() -> None:
    numbers = np.arange(40)
    first, second = np.zeros(40, dtype=np.int64), np.arange(40) % 9 + 1
    covers = [covered(3, numbers, labels) for labels in (first, second)]
    one, other = (drawn(3, list(numbers), list(labels)) for labels in (first, second))
    changed = (one != other).any(axis=3)
    assert not changed[(covers[0] == 0) & (covers[1] == 0)].any()
    only = (covers[0] > 0.9) & (covers[1] == 0) | (covers[1] > 0.9) & (covers[0] == 0)
    assert changed[only].mean() > 0.99
    assert only.sum() > 1000


def test_only_the_shape_differs_between_classes_of_one_drawing() -> None:
    first, second = drawn(1, [4, 4], [0, 7]).astype(int)
    changed = (first != second).any(axis=-1)
    assert 0.02 < changed.mean() < 0.6
    assert (first == second).all(axis=-1)[~changed].all()


def test_the_bytes_are_the_same_on_every_machine() -> None:
    """Where this fails after a change on purpose, ``_VERSION`` of shapes.py has to change too."""
    images = drawn(2**63 - 1, list(range(1000, 1040)), [i % 10 for i in range(40)])
    digest = hashlib.sha256(images.tobytes()).hexdigest()
    assert digest == "ac0ca4240ae975a660a09c340407785e380a8606668b0f410885ae5d5a9528a9"
