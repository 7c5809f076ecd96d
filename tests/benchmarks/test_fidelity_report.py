"""What is concluded from the records of both sides."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from harness.records import read_records
from scipy import stats
from versus_keras.report import build_document
from versus_keras.statistics import MARGIN, Compared, compared, welch

from cnnlab.reports.markdown import render_markdown

Record = dict[str, Any]


def test_welch_is_scipy_s() -> None:
    rng = np.random.default_rng(0)
    for n, m in ((2, 2), (3, 5), (9, 4)):
        a, b = rng.normal(0, 1, n), rng.normal(0.3, 2, m)
        found = welch(a.tolist(), b.tolist())
        assert found is not None
        for confidence in (0.9, 0.95):
            expected = stats.ttest_ind(a, b, equal_var=False).confidence_interval(confidence)
            assert found.interval(confidence) == pytest.approx((expected.low, expected.high))
        below = stats.ttest_ind(a, b + 0.7, equal_var=False, alternative="less").pvalue
        above = stats.ttest_ind(a, b - 0.7, equal_var=False, alternative="greater").pvalue
        assert found.equivalence_p(0.7) == pytest.approx(max(below, above))
    assert welch([0.5], [0.4, 0.6]) is None


def test_trainings_without_any_spread_are_judged_too() -> None:
    same = welch([0.5, 0.5], [0.4, 0.4])
    assert same is not None
    assert same.interval() == (pytest.approx(0.1), pytest.approx(0.1))
    assert (same.within(0.2), same.within(0.05)) == (True, False)


def _record(side: str, seed: int, accuracy: float, *, epochs: int = 2) -> Record:
    return {
        "name": f"{side}-{seed}",
        "side": side,
        "seed": seed,
        "model": "model-e",
        "data": "cifar10-jpeg",
        "train": 100,
        "epochs": epochs,
        "validation": {"accuracy": accuracy, "loss": 1.0, "n": 1000},
        "curves": [
            {
                "stage": 1,
                "epoch": epoch,
                "train_loss": 2.0 - 0.1 * epoch + accuracy,
                "train_accuracy": 0.3,
                "inner_loss": 2.0,
                "inner_accuracy": accuracy,
            }
            for epoch in range(1, epochs + 1)
        ],
        "cpu_seconds": 60.0,
        "versions": {"keras": "3"},
    }


def _group(ours: list[float], theirs: list[float]) -> list[Record]:
    return [
        _record(side, seed, accuracy)
        for side, values in (("cnnlab", ours), ("keras-torch", theirs))
        for seed, accuracy in enumerate(values)
    ]


@pytest.mark.parametrize(
    ("ours", "theirs", "within", "inside"),
    [
        ([0.501, 0.500, 0.499, 0.500], [0.500, 0.501, 0.500, 0.499], True, True),
        ([0.501, 0.500, 0.499, 0.500], [0.540, 0.541, 0.540, 0.539], False, False),
        ([0.52, 0.50, 0.48], [0.50, 0.53, 0.47], None, True),
        ([0.505, 0.506, 0.507], [0.500, 0.501, 0.502], True, False),
    ],
)
def test_verdicts_follow_the_interval(
    ours: list[float], theirs: list[float], within: bool | None, inside: bool
) -> None:
    [group] = compared(_group(ours, theirs))
    assert group.final.difference is not None
    assert group.final.difference.within(MARGIN) is within
    assert group.final.inside_spread is inside
    text = render_markdown(build_document(_group(ours, theirs), [], []))
    said = {True: "yes", False: "no", None: "not decidable at this n"}[within]
    assert f"| {said} | {'yes' if inside else 'no'} |" in text


def test_one_training_a_side_proves_nothing() -> None:
    records = _group([0.50], [0.50])
    [group] = compared(records)
    assert (group.final.difference, group.final.inside_spread) == (None, None)
    assert "cannot show equality" in render_markdown(build_document(records, [], []))


def test_settings_are_kept_apart_and_lonely_ones_left_out() -> None:
    other = [_record("cnnlab", 0, 0.4, epochs=3), _record("keras-torch", 0, 0.4, epochs=3)]
    groups = compared([*_group([0.5], [0.5]), *other, _record("cnnlab", 0, 0.4, epochs=9)])
    assert [group.epochs for group in groups] == [2, 3]


def test_a_curve_has_gaps_where_a_stage_ended_early() -> None:
    run = _record("cnnlab", 0, 0.5)
    line = run["curves"][0]
    run["curves"] = [line, {**line, "stage": 2, "train_loss": 7.0}]
    group = Compared("model-e", "cifar10-jpeg", 100, 2, "keras-torch", [run], [run])
    [values] = group.curve([run], "train_loss")
    np.testing.assert_array_equal(values, [line["train_loss"], np.nan, 7.0, np.nan])
    assert group.training.name == "training, mean of 2 epochs"


def test_a_line_cut_off_is_no_record(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    path.write_text(json.dumps({"name": "a"}) + "\n" + '{"name": "b', encoding="utf-8")
    assert read_records(path) == [{"name": "a"}]
