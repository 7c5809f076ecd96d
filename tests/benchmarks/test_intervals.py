"""The simulation of intervals counts rightly, goes on where it was, and reports."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import intervals
import numpy as np
import pytest
from intervals import _pooled, build_document, verdict
from simulations.cases import ABOUT_95, AT_LEAST_95, AT_MOST_5, CASES
from simulations.experiments import held
from simulations.experiments import share as share_of

from cnnlab.errors import RunError
from cnnlab.reports.markdown import render_markdown


def test_intervals_are_counted_by_where_the_truth_lies() -> None:
    counted = held([(0.1, 0.2), (0.3, 0.6), (0.5, 0.9), (0.5 + 1e-15, 0.7)], 0.5)
    assert (counted.share, counted.above, counted.below) == (0.75, 0.0, 0.25)


def test_an_interval_that_is_too_narrow_is_found() -> None:
    def narrow(successes: int, n: int) -> tuple[float, float]:
        share, half = successes / n, 0.5 * (0.25 / n) ** 0.5
        return share - half, share + half

    counted = share_of(narrow, 1000, 0.5)(np.random.default_rng(0), 4000)
    assert counted.share == pytest.approx(0.383, abs=0.03)  # half a standard error each way
    record = {"goal": ABOUT_95, "share": counted.share, "experiments": 4000}
    assert verdict(record) == "too narrow"


@pytest.mark.parametrize(
    ("goal", "share", "said"),
    [
        (ABOUT_95, 0.95, "yes"),
        (ABOUT_95, 0.975, "too wide"),
        (AT_LEAST_95, 0.99, "yes"),
        (AT_LEAST_95, 0.93, "no"),
        (AT_MOST_5, 0.051, "yes"),
        (AT_MOST_5, 0.06, "no"),
    ],
)
def test_goals(goal: str, share: float, said: str) -> None:
    assert verdict({"goal": goal, "share": share, "experiments": 20_000}) == said


def test_cases_have_names_of_their_own() -> None:
    names = [(case.section, case.method, case.setting) for case in CASES]
    assert len(set(names)) == len(names) > 60


def test_what_is_recorded_is_not_simulated_again(tmp_path: Path) -> None:
    command = [f"--out={tmp_path}", "--experiments=30"]
    for part in ("--only=shares", "--only=tests"):
        assert intervals.main([*command, part]) == 0
    first = (tmp_path / "intervals.jsonl").read_bytes()
    assert intervals.main([*command, "--only=tests"]) == 0
    assert (tmp_path / "intervals.jsonl").read_bytes() == first
    records: list[dict[str, Any]] = [json.loads(line) for line in first.splitlines()]
    text = render_markdown(build_document(records))
    assert "30 experiments (seed 1)" in text
    assert "six pairs of four equals, Holm" in text


def test_where_a_method_misses_is_said_with_what_is_done_there() -> None:
    record = {"section": "shares", "method": "Wilson", "setting": "n = 20, accuracy 0.95"}
    numbers = {"experiments": 20_000, "share": 0.92, "above": 0.0, "below": 0.08, "seed": 1}
    text = render_markdown(build_document([{**record, **numbers, "goal": ABOUT_95}]))
    assert "Where they do not hold" in text
    assert "n = 20, accuracy 0.95 (92.0%, too narrow)" in text
    assert "Clopper and Pearson" in text


def test_experiments_of_several_seeds_are_counted_together() -> None:
    record = {"section": "shares", "method": "m", "setting": "s", "goal": ABOUT_95, "seed": 1}
    parts = [
        {**record, "experiments": 300, "share": 0.9, "above": 0.1, "below": 0.0},
        {**record, "experiments": 100, "share": 0.5, "above": 0.3, "below": 0.2, "seed": 2},
    ]
    (pooled,) = _pooled(parts).values()
    assert pooled["experiments"] == 400
    assert [pooled[key] for key in ("share", "above", "below")] == pytest.approx([0.8, 0.15, 0.05])


def test_without_records_there_is_no_report() -> None:
    with pytest.raises(RunError, match="nothing is recorded yet"):
        build_document([])
