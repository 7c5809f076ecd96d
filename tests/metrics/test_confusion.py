"""Counts and class scores against scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from sklearn import metrics as oracle

from cnnlab.errors import InputError
from cnnlab.metrics.confusion import (
    balanced_accuracy,
    confusion_matrix,
    macro_f1,
    per_class_report,
    predicted_classes,
    top1,
    top_k_accuracy,
)

Pair = tuple[int, NDArray[np.int64], NDArray[np.int64]]


@st.composite
def answers(draw: st.DrawFn, most_classes: int = 12) -> Pair:
    """Classes, labels and predictions; classes may be absent from either."""
    classes = draw(st.integers(2, most_classes))
    n = draw(st.integers(1, 60))
    indices = hnp.arrays(np.int64, n, elements=st.integers(0, classes - 1))
    return classes, draw(indices), draw(indices)


@given(answers())
def test_matrix_agrees_with_scikit_learn(pair: Pair) -> None:
    classes, labels, predictions = pair
    matrix = confusion_matrix(labels, predictions, classes)
    expected = oracle.confusion_matrix(labels, predictions, labels=range(classes))
    assert matrix.dtype == np.int64
    np.testing.assert_array_equal(matrix, expected)


@given(answers())
def test_class_scores_agree_with_scikit_learn(pair: Pair) -> None:
    classes, labels, predictions = pair
    matrix = confusion_matrix(labels, predictions, classes)
    report = per_class_report(matrix)
    expected = oracle.precision_recall_fscore_support(
        labels, predictions, labels=range(classes), zero_division=0
    )
    for name, values in zip(("precision", "recall", "f1", "support"), expected, strict=True):
        np.testing.assert_allclose([getattr(s, name) for s in report], values, atol=1e-15)
    assert [s.predicted for s in report] == np.bincount(predictions, minlength=classes).tolist()


@given(answers())
def test_means_agree_with_scikit_learn(pair: Pair) -> None:
    classes, labels, predictions = pair
    matrix = confusion_matrix(labels, predictions, classes)
    present = sorted(set(labels) | set(predictions))
    f1 = oracle.f1_score(labels, predictions, labels=present, average="macro", zero_division=0)
    # Balanced accuracy is recall averaged over the classes that occur among the labels.
    recall = oracle.recall_score(labels, predictions, labels=sorted(set(labels)), average="macro")
    assert macro_f1(matrix) == pytest.approx(f1, abs=1e-14)
    assert balanced_accuracy(matrix) == pytest.approx(recall, abs=1e-14)
    assert top1(matrix) == pytest.approx(oracle.accuracy_score(labels, predictions), abs=1e-15)


@given(answers())
def test_scores_do_not_depend_on_the_order_of_images_or_classes(pair: Pair) -> None:
    classes, labels, predictions = pair
    rng = np.random.default_rng(len(labels))
    rows, renamed = rng.permutation(len(labels)), rng.permutation(classes)
    first = confusion_matrix(labels, predictions, classes)
    second = confusion_matrix(renamed[labels][rows], renamed[predictions][rows], classes)
    assert top1(first) == top1(second)
    assert macro_f1(first) == pytest.approx(macro_f1(second))
    assert balanced_accuracy(first) == pytest.approx(balanced_accuracy(second))


def test_rows_are_true_and_columns_predicted() -> None:
    matrix = confusion_matrix([0, 0, 1], [1, 1, 1], classes=2)
    assert matrix.tolist() == [[0, 2], [0, 1]]


def test_case_22_absent_classes_score_zero_and_say_so() -> None:
    # Class 2 has no images but was predicted; class 3 has images, never predicted; 4 has neither.
    matrix = confusion_matrix([0, 1, 3], [0, 2, 0], classes=5)
    report = per_class_report(matrix)
    assert report[0].undefined == ()
    assert report[2].undefined == ("recall",)
    assert (report[2].precision, report[2].recall) == (0.0, 0.0)
    assert report[3].undefined == ("precision",)
    assert report[4].undefined == ("precision", "recall", "f1")
    assert macro_f1(matrix) == pytest.approx((2 / 3 + 0 + 0 + 0) / 4)
    assert balanced_accuracy(matrix) == pytest.approx(1 / 3)


def test_case_22_a_thousand_classes_and_narrow_label_types() -> None:
    labels = np.arange(1000, dtype=np.uint16)
    matrix = confusion_matrix(labels, labels[::-1].astype(np.int32), classes=1000)
    assert matrix.shape == (1000, 1000)
    assert matrix[0, 999] == 1
    assert top1(matrix) == 0
    small = confusion_matrix(np.array([99] * 300, np.uint8), np.array([99] * 300, np.uint8), 100)
    assert small[99, 99] == 300


def test_case_22_the_lowest_index_wins_a_tie() -> None:
    logits = np.array([[0.0, 0.0, 0.0], [1.0, 3.0, 3.0]], np.float32)
    assert predicted_classes(logits).tolist() == [0, 1]
    assert top_k_accuracy(logits, [0, 1], 1) == 1.0
    assert top_k_accuracy(logits, [2, 2], 1) == 0.0
    assert top_k_accuracy(logits, [2, 2], 2) == 0.5
    assert top_k_accuracy(logits, [2, 2], 3) == 1.0


@settings(max_examples=50)
@given(st.integers(0, 2**32 - 1), st.integers(3, 9), st.integers(1, 40))
def test_top_k_agrees_with_scikit_learn(seed: int, classes: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    logits = rng.permutation(n * classes).reshape(n, classes) * 1e4 / (n * classes)  # no ties
    labels = rng.integers(0, classes, n)
    for k in range(1, classes):
        expected = oracle.top_k_accuracy_score(labels, logits, k=k, labels=range(classes))
        assert top_k_accuracy(logits, labels, k) == pytest.approx(expected)
    assert top_k_accuracy(logits, labels, classes) == 1.0


@given(answers())
def test_top_one_of_logits_agrees_with_the_matrix(pair: Pair) -> None:
    classes, labels, predictions = pair
    logits = np.eye(classes)[predictions] + np.eye(classes)[0]  # ties wherever class 1+ is given
    matrix = confusion_matrix(labels, predicted_classes(logits), classes)
    assert top_k_accuracy(logits, labels, 1) == pytest.approx(top1(matrix))


@pytest.mark.parametrize(
    ("labels", "predictions", "says"),
    [
        ([], [], "no labels"),
        ([0, 3], [0, 1], r"labels\[1\]: class 3; expected 0 to 2"),
        ([0, 1], [0, -1], r"predictions\[1\]: class -1"),
        ([0, 1], [0], "differ in length: 2 and 1"),
        ([[0], [1]], [0, 1], r"shape \[2, 1\]"),
        ([0.0, 1.0], [0, 1], "float64; expected whole numbers"),
        ([True, False], [0, 1], "bool; expected whole numbers"),
    ],
)
def test_bad_answers_are_refused(labels: Any, predictions: Any, says: str) -> None:
    with pytest.raises(InputError, match=says):
        confusion_matrix(labels, predictions, classes=3)


def test_an_index_beyond_int64_is_refused() -> None:
    with pytest.raises(InputError, match="expected 0 to 2"):
        confusion_matrix(np.array([2**64 - 1], np.uint64), [0], classes=3)


@pytest.mark.parametrize(
    ("matrix", "says"),
    [
        (np.zeros((2, 2), np.int64), "empty"),
        (np.ones((2, 3), np.int64), "shape"),
        (np.ones((2, 2)), "counts"),
        (np.array([[1, -1], [0, 1]]), "counts"),
    ],
)
def test_bad_matrices_are_refused(matrix: NDArray[np.int64], says: str) -> None:
    for metric in (top1, macro_f1, balanced_accuracy, per_class_report):
        with pytest.raises(InputError, match=says):
            metric(matrix)


@pytest.mark.parametrize("k", [0, -1, 4, True, 1.5])
def test_k_outside_the_classes_is_refused(k: int) -> None:
    with pytest.raises(InputError, match="k: "):
        top_k_accuracy(np.zeros((1, 3)), [0], k)


def test_intervals_of_a_class_are_clopper_and_pearson_s() -> None:
    from scipy.stats import binomtest

    first, second, absent = per_class_report([[8, 2, 0], [3, 0, 0], [0, 0, 0]])
    for interval, hits, n in (
        (first.recall_interval, 8, 10),
        (first.precision_interval, 8, 11),
        (second.recall_interval, 0, 3),
    ):
        expected = binomtest(hits, n).proportion_ci(0.95, "exact")
        assert list(interval) == pytest.approx([expected.low, expected.high])
    assert absent.recall_interval is absent.precision_interval is None


def test_the_report_s_printed_scores_of_model_f_come_out() -> None:
    """Its accuracy, precision, recall and F1 on test, from its own confusion matrix."""
    from cnnlab.models import report_figures

    figures = report_figures()["models"]["model-f"]
    matrix, printed = figures["test_confusion_matrix"], figures["test_report"]
    assert top1(matrix) == pytest.approx(0.7865)
    assert round(top1(matrix), 2) == printed["accuracy"]
    rows = per_class_report(matrix)
    for name in ("precision", "recall", "f1"):
        ours = [getattr(row, name) for row in rows]
        # Printed with two decimals, of which one or another was rounded the other way.
        np.testing.assert_allclose(ours, printed[name], atol=0.005 + 1e-9)
