"""What is said of many pairs at once."""

from __future__ import annotations

import re

import numpy as np
import pytest

from cnnlab.evaluation.compare.verdicts import adjusted_for, needed_for, verdict_of
from cnnlab.metrics import LEVEL, compare_counts, holm_levels


def test_the_smallest_p_value_is_held_against_the_strictest_level() -> None:
    assert holm_levels([0.001, 0.2, 0.012, 0.04], 0.05) == pytest.approx(
        [0.05 / 4, 0.05, 0.05 / 3, 0.05 / 2]
    )
    assert holm_levels([], 0.05) == []


@pytest.mark.parametrize("n", [500, 1000, 10_000])
def test_more_images_than_there_were_are_asked_for_where_a_difference_is_not_detected(
    n: int,
) -> None:
    """One pair that misses its level narrowly among 14 that show nothing."""
    rest = [compare_counts(10, 10, n)] * 14
    for only_b in range(20, 60):
        for only_a in range(only_b, 100):
            close = compare_counts(only_a, only_b, n)
            if not 0.05 / 15 < close.p_value < 0.05:
                continue
            (adjusted, *_) = adjusted_for([close, *rest], None)
            assert adjusted.p_value >= LEVEL
            needed = needed_for(close, adjusted.level)
            assert needed is not None
            assert needed > n


def test_equivalences_are_adjusted_for_their_number_too() -> None:
    just = compare_counts(100, 100, 20_000)
    margin = next(m for m in np.arange(0.001, 0.01, 1e-5) if just.equivalence_p(m) < 0.03)
    alone = adjusted_for([just], margin)
    assert verdict_of("a", "b", just, alone[0]).startswith("a and b: equivalent within")
    three = adjusted_for([just] * 3, margin)
    said = verdict_of("a", "b", just, three[0])
    assert said.startswith("a and b: no detectable difference")
    assert "not shown to be equivalent within" in said


def test_a_p_value_is_never_none() -> None:
    small = compare_counts(60, 30, 1000)
    rest = [compare_counts(10, 10, 1000)] * 44
    said = verdict_of("a", "b", small, adjusted_for([small, *rest], None)[0])
    assert re.search(r"\(p = 0\.00\d+, 0\.0?[5-9]\d* after Holm for 45 pairs", said), said
