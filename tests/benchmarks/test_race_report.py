"""What is concluded from the race's records: medians, goals, ratios."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from race.report import build_document, goal_lines
from race.statistics import (
    GOALS,
    Goal,
    Group,
    Reach,
    accuracy_after,
    front,
    judged,
    keras_reach,
    one_race,
    peer_reach,
)

from cnnlab.data.source import SOURCES
from cnnlab.errors import RunError
from cnnlab.reports.markdown import figure_files, render_markdown

Record = dict[str, Any]


def _records(side: str, label: str, *measured: tuple[float, float], **more: Any) -> list[Record]:
    """Trainings of one contender: seconds and accuracy by seed."""
    return [
        {
            "name": f"{side}-{label}-1a2b3c4d-seed{seed}",
            "side": side,
            "label": label,
            "seed": seed,
            "data": "cifar10-jpeg",
            "dataset": "CIFAR-10-JPEG",
            "threads": 2,
            "test_rows": "ab",
            "environment": {"MALLOC_TOP_PAD_": "9"},
            "machine": {
                "processor": "P",
                "cores": 2,
                "memory_bytes": 2**34,
                "source_revision": "abc",
            },
            "load_before": 0.5 + seed,
            "command": "python benchmarks/time_to_accuracy.py",
            "versions": {"torch": "2"},
            "n_test": 10_000,
            "trained_on": 50_000,
            "parameters": 1234,
            "seconds": seconds,
            "accuracy": accuracy,
            "accuracy_tta": accuracy + 0.01,
            "own_seconds": 17,
            **more,
        }
        for seed, (seconds, accuracy) in enumerate(measured)
    ]


def _group(side: str, *measured: tuple[float, float]) -> Group:
    return Group(side, "x", _records(side, "x", *measured))


def _keras(*points: tuple[float, float]) -> list[Record]:
    curve = [{"epoch": n, "seconds": s, "accuracy": a} for n, (s, a) in enumerate(points, start=1)]
    return _records("keras-torch", "model-f", points[-1], curve=curve, accuracy_tta=None)


def test_medians_and_deviation() -> None:
    group = _group("cnnlab", (10, 0.8), (30, 0.9), (11, 0.82))
    assert (group.n, group.seconds, group.accuracy) == (3, 11, 0.82)
    assert group.mean == pytest.approx(0.84)
    assert group.deviation == pytest.approx(np.std([0.8, 0.9, 0.82], ddof=1))
    assert _group("cnnlab", (10, 0.8)).deviation is None


@pytest.mark.parametrize(
    ("measured", "verdict"),
    [
        ([(19, 0.81)] * 5, "pass"),
        ([(20, 0.80)] * 5, "pass"),
        ([(21, 0.81)] * 5, "fail"),
        ([(19, 0.79)] * 5, "fail"),
        ([(19, 0.81)] * 4, "too few seeds (n = 4)"),
        ([(19, 0.801)] * 4 + [(19, 0.7)], "fail"),  # the median is good, the mean is not
        ([(19, 0.9)] * 2 + [(19, 0.79)] * 3, "fail"),  # the other way round
    ],
)
def test_a_goal_needs_median_and_mean_in_time_and_enough_seeds(
    measured: list[tuple[float, float]], verdict: str
) -> None:
    [found] = judged([_group("cnnlab", *measured)], [Goal(0.80, 20)])
    assert found.verdict == verdict


def test_the_recipe_that_meets_a_goal_fastest_speaks_for_it() -> None:
    slow, fast, poor = (
        _group("cnnlab", *[point] * 5) for point in ((30, 0.9), (18, 0.81), (5, 0.7))
    )
    other = _group("airbench", *[(1, 0.95)] * 5)
    goals = [Goal(0.80, 20), Goal(0.80, 10), Goal(0.95, 99)]
    found = [each.group for each in judged([slow, fast, poor, other], goals)]
    assert found == [fast, fast, slow]
    assert judged([other], goals) == []


def test_a_peer_s_time_is_that_of_the_fastest_size_as_accurate() -> None:
    quick, beaten, long = (
        _group("airbench", point) for point in ((10, 0.80), (20, 0.79), (40, 0.90))
    )
    best = front([long, beaten, quick, _group("cnnlab", (1, 0.99))])
    assert best == [quick, long]
    measured, between = peer_reach(best, 0.85)
    assert measured == Reach(40, "measured")
    assert between.kind == "interpolated"
    assert between.seconds == pytest.approx(20)  # half of the way from 10 to 40, in log time
    assert between.ratio(5) == pytest.approx(4)
    assert peer_reach(best, 0.90)[1].seconds == pytest.approx(40)
    assert peer_reach(best, 0.70) == (Reach(10, "measured"), Reach(10, "at most"))
    assert peer_reach(best, 0.91) == (Reach(None, "never"), Reach(None, "never"))
    assert Reach(None, "never").ratio(5) is None


def test_keras_s_curve_is_linear_between_epochs() -> None:
    group = Group("keras-torch", "model-f", _keras((100, 0.5), (200, 0.7), (300, 0.6)))
    assert keras_reach(group, 0.55).seconds == pytest.approx(125)
    assert keras_reach(group, 0.4) == Reach(100, "at most")
    assert keras_reach(group, 0.71) == Reach(None, "never")
    assert accuracy_after(group, 150) == pytest.approx(0.6)
    assert accuracy_after(group, 250) == pytest.approx(0.65)
    assert accuracy_after(group, 99) is None
    assert accuracy_after(group, 301) is None


def _race() -> list[Record]:
    return [
        *_records("airbench", "epochs=1", *[(40, 0.80)] * 5),
        *_records("airbench", "epochs=4", *[(160, 0.84)] * 5),
        *_records("cnnlab", "blink", *[(19.5, 0.82)] * 4, (18, 0.8)),
        *_records("cnnlab", "long", *[(100, 0.9123)] * 5),
        *_keras((500, 0.6), (1000, 0.9)),
    ]


def test_the_report_says_all_of_it() -> None:
    document = build_document(_race())
    text = render_markdown(document)
    assert "| 80.0% in 20.0 s | pass | blink | 19.5 s | 82.00% | 81.60% | 5 |" in text
    assert "| 84.5% in 1 min 0 s | fail | long | 1 min 40 s |" in text
    assert "| cnnlab | blink | 5 | 50,000 | 1,234 | 19.5 | 18.0 to 19.5 | 17.0 | 82.00% |" in text
    assert "| 81.60 ± 0.89 | 82.60% |" in text
    # airbench: 160 s measured; half of the way from 40 to 160 in log time.
    assert "| blink | 82.00% | 19.5 | 160.0 | 8.21 | 80.0 | 4.10 |" in text
    assert r"| long | 91.23% | 100.0 | not reached | \- | not reached | \- |" in text
    # Keras: 0.6 to 0.9 within 500 s.
    assert "| blink | 82.00% | 19.5 | 866.7 | 44.44 | no epoch yet |" in text
    assert r"| long | 91.23% | 100.0 | not reached | \- | no epoch yet |" in text
    assert r"MALLOC_TOP_PAD\_=9" in text
    assert "4.50 at most" in text
    [figure] = figure_files(document).values()
    assert figure.startswith(b"<?xml")
    assert len(figure) < 300_000


def test_goals_are_those_of_the_images() -> None:
    assert [line.partition(";")[0] for line in goal_lines(_race())] == [
        "80.0% within 20.0 s: pass",
        "84.5% within 1 min 0 s: fail",
        "88.0% within 4 min 0 s: pass",
        "90.0% within 12 min 0 s: pass",
    ]
    other = [{**record, "data": "shapes"} for record in _race()]
    assert goal_lines(other) == []
    assert "Goals" not in render_markdown(build_document(other))
    assert set(GOALS) < set(SOURCES)
    fashion = [(goal.accuracy, goal.seconds) for goal in GOALS["fashion-mnist"]]
    assert fashion == [(0.92, 30), (0.94, 300)]


def test_figures_of_one_side_alone_can_be_drawn() -> None:
    for records in (_race()[:5], _race()[10:15], _keras((5, 0.1), (9, 0.2))):
        assert build_document(records).blocks


def test_other_settings_behind_one_label_stay_apart() -> None:
    changed = [
        {**record, "name": record["name"].replace("1a2b3c4d", "ffffffff")}
        for record in _records("cnnlab", "blink", (50, 0.9))
    ]
    groups = one_race([*_records("cnnlab", "blink", (20, 0.8)), *changed])
    assert [group.label for group in groups] == ["blink (1a2b3c4d)", "blink (ffffffff)"]


@pytest.mark.parametrize("key", ["processor", "cores", "threads", "dataset", "test_rows"])
def test_times_that_cannot_be_compared_are_refused(key: str) -> None:
    records = _race()
    part = records[3]["machine"] if key in records[3]["machine"] else records[3]
    part[key] = "another"
    with pytest.raises(RunError, match=f"several kinds of {key}"):
        one_race(records)
    with pytest.raises(RunError, match="no training is recorded"):
        one_race([])


def test_commands_that_differ_in_their_seeds_alone_are_one() -> None:
    def command(options: str) -> str:
        return f"python benchmarks/time_to_accuracy.py {options} --threads 2"

    records = _records("cnnlab", "blink", (19, 0.81), (19, 0.81), (19, 0.81))
    for record in records:
        record["command"] = command(f"--recipes blink --seeds 1 --first-seed {record['seed']}")
    text = render_markdown(build_document(records))
    assert text.count("time_to_accuracy.py --recipes") == 1
    assert command("--recipes blink --seeds 3 --first-seed 0") in text
