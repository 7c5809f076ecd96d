"""The one call that scores a split says the same as each metric on its own."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as oracle

from cnnlab.errors import InputError
from cnnlab.metrics.scores import score


def test_scores_agree_with_scikit_learn() -> None:
    rng = np.random.default_rng(5)
    labels = rng.integers(0, 7, 500)
    logits = (rng.normal(size=(500, 7)) + 2 * np.eye(7)[labels]).astype(np.float32)
    scores = score(logits, labels)
    predictions = logits.argmax(axis=1)
    assert (scores.n, scores.correct) == (500, int((predictions == labels).sum()))
    assert scores.top1 == pytest.approx(oracle.accuracy_score(labels, predictions))
    assert scores.top1_interval.low < scores.top1 < scores.top1_interval.high
    assert scores.top5 == pytest.approx(oracle.top_k_accuracy_score(labels, logits, k=5))
    assert scores.macro_f1 == pytest.approx(oracle.f1_score(labels, predictions, average="macro"))
    assert scores.balanced_accuracy == pytest.approx(
        oracle.balanced_accuracy_score(labels, predictions)
    )
    assert scores.matrix.sum() == 500
    assert [s.support for s in scores.per_class] == np.bincount(labels).tolist()
    assert scores.ece_bins == 15


def test_counts_do_not_depend_on_how_the_images_were_batched() -> None:
    rng = np.random.default_rng(6)
    logits, labels = rng.normal(size=(64, 3)).astype(np.float32), rng.integers(0, 3, 64)
    singly = sum(score(logits[i : i + 1], labels[i : i + 1]).matrix for i in range(64))
    np.testing.assert_array_equal(singly, score(logits, labels).matrix)


def test_case_22_two_classes_have_no_top_five() -> None:
    assert score([[1.0, 0.0]], [0]).top5 is None


def test_case_22_a_thousand_classes_of_which_most_are_absent() -> None:
    logits = np.zeros((3, 1000), np.float32)
    logits[:, 998] = 1e4
    scores = score(logits, [998, 998, 5])
    assert scores.top1 == pytest.approx(2 / 3)
    assert scores.balanced_accuracy == 0.5
    assert scores.nll == pytest.approx(1e4 / 3)


def test_an_empty_split_is_refused() -> None:
    with pytest.raises(InputError, match="no logits; expected at least one image"):
        score(np.zeros((0, 10), np.float32), np.zeros(0, np.int64))
