"""What a report says of several runs, of corrupted images and of cost, computed again.

As in test_report_recomputes.py: from the saved files, by NumPy, SciPy and statsmodels alone.
"""

from __future__ import annotations

import itertools
import json
import re
from statistics import fmean
from typing import Any

import numpy as np
import pytest
from report_pages import Saved, Tables, numbers
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from cnnlab.config import RunConfig
from cnnlab.data import open_dataset
from cnnlab.models import load_architecture
from cnnlab.reports import build_document
from cnnlab.reports.html import render_html
from cnnlab.runs import CorruptedPredictions, Run

#: The share of right answers that each run is made with: the last two lie close together.
RUNS = {"weak": 0.5, "strong": 0.9, "rival": 0.88}
CORRUPTIONS = {"fog": "Fog", "gaussian-noise": "Gaussian noise"}
SEVERITIES = (1, 3, 5)


@pytest.fixture(scope="module")
def runs(make_run: Any) -> list[Run]:
    """Three runs on the same drawn shapes; the first was asked about corrupted ones, too."""
    options = {"source": "shapes", "size": 700}
    config = RunConfig().updated(model={"name": "model-c"}, data=options)
    data = open_dataset("shapes", options=config.data.read_options())
    found = [
        make_run(
            name,
            names=data.class_names,
            dataset=data.name,
            config=config.updated(name=name),
            data=data,
            right=right,
        )
        for name, right in RUNS.items()
    ]
    _corrupt(found[0])
    return found


def _corrupt(run: Run) -> None:
    saved, random = Saved(run, "validation"), np.random.default_rng(5)
    answers = {
        (name, severity): np.where(
            random.random(len(saved.labels)) < 0.2 * severity,
            random.integers(0, len(saved.classes), len(saved.labels)),
            saved.said,
        )
        for name in CORRUPTIONS
        for severity in SEVERITIES
    }
    run.save_corrupted_predictions(
        "validation", CorruptedPredictions(saved.said, saved.labels, saved.rows, "w 1", answers)
    )


@pytest.fixture(scope="module")
def page(runs: list[Run]) -> Tables:
    return Tables(render_html(build_document(runs)))


def _right(run: Run) -> np.ndarray:
    saved = Saved(run, "validation")
    return saved.said == saved.labels


def test_the_table_of_accuracies(page: Tables, runs: list[Run]) -> None:
    rows = {row[0]: row for row in page.table("Accuracies of the epoch whose weights were kept")}
    assert list(rows) == list(RUNS)
    for run in runs:
        right = _right(run)
        low, high = proportion_confint(right.sum(), len(right), method="wilson")
        _, train, inner, validation, interval, n, _ = rows[run.name]
        (kept,) = [line for line in run.metrics if line["epoch"] == 3]
        assert numbers(train) == pytest.approx([100 * kept["train_accuracy"]], abs=0.005)
        assert not numbers(inner)
        assert numbers(validation) == pytest.approx([100 * right.mean()], abs=0.005)
        assert numbers(interval) == pytest.approx([100 * low, 100 * high], abs=0.005)
        assert int(n) == len(right)


def test_the_verdict_on_each_pair(page: Tables, runs: list[Run]) -> None:
    pairs = list(itertools.combinations(runs, 2))
    tables = [
        [[(a & b).sum(), (a & ~b).sum()], [(~a & b).sum(), (~a & ~b).sum()]]
        for a, b in ((_right(one), _right(other)) for one, other in pairs)
    ]
    p_values = [mcnemar(table, exact=True).pvalue for table in tables]
    adjusted = multipletests(p_values, method="holm")[1]
    called = 0
    for (one, other), p, p_holm in zip(pairs, p_values, adjusted, strict=True):
        difference = _right(one).mean() - _right(other).mean()
        if p_holm < 0.05:
            called += 1
            better, worse = (one, other) if difference > 0 else (other, one)
            said = page.item(f"{better.name} is better than {worse.name} by")
            points, level, low, high, *said_p = numbers(said.split("n = ")[0])
            assert points == pytest.approx(100 * abs(difference), abs=0.05)
            assert level == 95
            expected = _bootstrap(_right(better), _right(worse))
            assert [low, high] == pytest.approx(100 * expected, abs=0.6)
            assert said_p[:2] == pytest.approx([p, p_holm], rel=0.06)
        else:
            said = page.item(f"{one.name} and {other.name}: no detectable difference")
            assert numbers(said)[:2] == pytest.approx([p, p_holm], abs=0.006)
    assert 0 < called < len(pairs), "both kinds of verdict must come up"


def _bootstrap(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The percentile interval of the difference over images drawn anew, image by image."""
    gain = a.astype(float) - b
    drawn = np.random.default_rng(0).integers(0, len(gain), (10_000, len(gain)))
    return np.quantile(gain[drawn].mean(axis=1), [0.025, 0.975])


def test_the_table_of_cost(page: Tables, runs: list[Run]) -> None:
    rows = {row[0]: row[1:] for row in page.table("What the runs cost.")}
    assert list(rows) == list(RUNS)
    for run in runs:
        params, epochs, time, rate = rows[run.name]
        assert int(params.replace(",", "")) == _values(run)
        assert int(epochs) == len(run.metrics)
        result = json.loads((run.path / "result.json").read_text())
        minutes, seconds = (int(n) for n in re.findall(r"\d+", time))
        assert 60 * minutes + seconds == pytest.approx(result["train_seconds"], abs=0.5)
        assert numbers(rate) == pytest.approx([result["images_per_second"]], abs=0.51)


def _values(run: Run) -> int:
    """All numbers that the network holds, moving statistics among them, counted by torch."""
    network = load_architecture(
        "model-c", input_shape=(32, 32, 3), classes=len(run.class_names)
    ).build()
    return sum(t.numel() for t in network.state_dict().values() if t.is_floating_point())


def test_the_cost_of_one_run(page: Tables, runs: list[Run]) -> None:
    rows = {row[0]: row[1] for row in page.table(f"What {runs[1].name} cost")}
    lines = _lines(runs[1], "resources.jsonl")
    seconds = [line["seconds"] for line in _lines(runs[1], "timing.jsonl")]
    load = fmean(line["cpu_percent"] for line in lines)
    assert numbers(rows["Mean load of all processor cores"]) == pytest.approx([load], abs=0.5)
    assert numbers(rows["Epochs timed"]) == [len(seconds)]
    assert numbers(rows["Mean time of an epoch"]) == pytest.approx([fmean(seconds)], abs=0.05)
    assert numbers(rows["Shortest to longest epoch"]) == pytest.approx(
        [min(seconds), max(seconds)], abs=0.05
    )
    most = max(line["memory_bytes"] for line in lines)
    shown, unit = rows["Most memory of the process"].split()
    assert unit == "MiB"
    assert float(shown.replace(",", "")) == pytest.approx(most / 2**20, rel=0.01)
    assert numbers(rows["Parameters"]) == [_values(runs[1])]


def _lines(run: Run, file: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run.path / file).read_text().splitlines()]


def test_accuracy_under_corruption(page: Tables, runs: list[Run]) -> None:
    with np.load(runs[0].path / "predictions" / "validation-corrupted.npz") as saved:
        labels = saved["labels"]
        clean = (saved["clean"] == labels).mean()
        right = {
            title: [saved[f"{name}/{severity}"] == labels for severity in SEVERITIES]
            for name, title in CORRUPTIONS.items()
        }
    rows = page.table("by severity, the mean error")
    assert {row[0] for row in rows} == set(right)
    for title, _, *cells in rows:
        accuracies = [float(answers.mean()) for answers in right[title]]
        error = 1 - fmean(accuracies)
        shown = [numbers(cell)[0] for cell in cells]
        assert shown[:4] == pytest.approx([100 * v for v in (*accuracies, error)], abs=0.006)
        assert shown[4] == pytest.approx(100 * (clean - 1 + error) / clean, abs=0.06)
