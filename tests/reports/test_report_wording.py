"""Numbers in words."""

from __future__ import annotations

import math

import pytest

from cnnlab.metrics import score
from cnnlab.reports.wording import (
    accuracy_in_full,
    bytes_text,
    count,
    decimal,
    duration,
    enumeration,
    flattened,
    percent,
    plural,
    scaled,
)


def test_an_accuracy_always_says_what_it_rests_on() -> None:
    scores = score([[1.0, 0.0]] * 3 + [[0.0, 1.0]], [0, 0, 0, 0])
    assert accuracy_in_full(scores) == "75.00% (95% interval 30.06% to 95.44%, n = 4)"


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (percent(0.78654), "78.65%"),
        (percent(1.0, 1), "100.0%"),
        (percent(None), "-"),
        (decimal(1.5, 2), "1.50"),
        (decimal(math.nan), "-"),
        (count(1234567), "1,234,567"),
        (count(None), "-"),
        (scaled(81_234_567, "FLOPs"), "81.2 MFLOPs"),
        (scaled(12, "FLOPs"), "12 FLOPs"),
        (bytes_text(0), "0 B"),
        (bytes_text(1536), "1.5 KiB"),
        (bytes_text(8 << 30), "8 GiB"),
        (bytes_text(None), "-"),
        (duration(4.25), "4.2 s"),
        (duration(200.4), "3 min 20 s"),
        (duration(7500), "2 h 5 min"),
        (duration(None), "-"),
        (plural(1, "epoch"), "1 epoch"),
        (plural(0, "epoch"), "0 epochs"),
        (enumeration(["a"]), "a"),
        (enumeration(["a", "b", "c"]), "a, b and c"),
        (enumeration([]), "-"),
    ],
)
def test_numbers_in_words(said: str, expected: str) -> None:
    assert said == expected


def test_nested_settings_become_dotted_names() -> None:
    settings = {"a": 1, "b": {"c": None, "d": {"e": True}}, "f": {}, "g": [1, 2]}
    settings["h"] = [{"i": 0.5, "j": None}]
    assert flattened(settings) == [
        ("a", "1"),
        ("b.c", "null"),
        ("b.d.e", "true"),
        ("f", "{}"),
        ("g", "[1, 2]"),
        ("h", "[{i: 0.5, j: null}]"),
    ]
