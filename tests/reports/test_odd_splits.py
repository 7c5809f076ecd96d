"""Case 22, from saved logits to everything that is said of them."""

from __future__ import annotations

import json
import math
import re

import numpy as np
import pytest

from cnnlab.evaluation.compare import compare
from cnnlab.evaluation.evaluate import evaluation_of
from cnnlab.reports import build_document
from cnnlab.reports.markdown import render_markdown
from cnnlab.runs import Predictions


def _with(run, logits, labels):
    rows = np.arange(len(labels), dtype=np.int64)
    saved = Predictions(logits.astype(np.float32), labels.astype(np.int64), rows)
    run.save_predictions("validation", saved)
    return evaluation_of(run, "validation")


def _finite(value):
    if isinstance(value, dict):
        return all(map(_finite, value.values()))
    if isinstance(value, list | tuple):
        return all(map(_finite, value))
    return not isinstance(value, float) or math.isfinite(value)


@pytest.mark.parametrize(
    ("classes", "present", "scale"),
    [(2, 1, 0.0), (2, 2, 1e4), (10, 7, 1.0), (10, 7, 1e4), (1000, 3, 1e4)],
)
def test_case_22_absent_classes_ties_and_huge_logits(make_run, classes, present, scale):
    rng = np.random.default_rng([classes, present])
    labels = np.arange(60) % present
    logits = scale * rng.choice([-1.0, 1.0], (60, classes))
    names = [f"class {number}" for number in range(classes)]
    run = make_run("odd", model="model-c", names=names, evaluated=())
    evaluation = _with(run, logits, labels)

    # What it says, counted again: the lowest index wins a tie.
    said = np.array([row.index(max(row)) for row in logits.tolist()])
    assert evaluation.scores.correct == int((said == labels).sum())
    record = json.loads(json.dumps(evaluation.to_dict(), allow_nan=False))
    assert _finite(record)
    assert sum(map(sum, record["confusion_matrix"])) == 60
    absent = [entry for entry in record["per_class"] if entry["support"] == 0]
    assert len(absent) == classes - present
    assert all(entry["recall"] is None for entry in absent)
    assert "validation accuracy" in evaluation.to_text()
    page = render_markdown(build_document([run]))
    assert not re.search(r"\b(nan|inf)\b", page, re.IGNORECASE)
    if classes > present:
        assert "Without an image in this split" in page


def test_case_22_two_runs_that_always_agree_differ_in_nothing(make_run):
    first = make_run("first", evaluated=())
    second = make_run("second", evaluated=())
    labels = np.arange(20) % 10
    for run in (first, second):
        _with(run, np.eye(10)[labels] * 1e4, labels)
    (pair,) = compare([first, second]).pairs
    assert (pair.result.difference, pair.result.p_value) == (0, 1)
    assert "no detectable difference" in pair.verdict
