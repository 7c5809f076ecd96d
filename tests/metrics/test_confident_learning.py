"""Confident learning: hand-worked cases, and what cleanlab 2.9.0 gave for the same numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnlab.errors import InputError
from cnnlab.metrics.confident_learning import (
    class_thresholds,
    confident_joint,
    find_label_errors,
)


def _made(seed: int, n: int = 300, classes: int = 4, noise: float = 0.12):
    generator = np.random.default_rng(seed)
    true = generator.integers(0, classes, n)
    labels = true.copy()
    wrong = generator.random(n) < noise
    labels[wrong] = generator.integers(0, classes, wrong.sum())
    logits = generator.normal(size=(n, classes))
    logits[np.arange(n), true] += 2.2
    shares = np.exp(logits)
    return shares / shares.sum(axis=1, keepdims=True), labels


HAND = np.array([[0.9, 0.1], [0.7, 0.3], [0.1, 0.9], [0.2, 0.8], [0.6, 0.4], [0.9, 0.1]])
LABELS = np.array([0, 0, 0, 1, 1, 1])


def test_a_case_worked_by_hand():
    """Thresholds (0.9 + 0.7 + 0.1) / 3 and (0.8 + 0.4 + 0.1) / 3; then who reaches them."""
    assert class_thresholds(HAND, LABELS) == pytest.approx([17 / 30, 13 / 30])
    assert confident_joint(HAND, LABELS).tolist() == [[2, 1], [2, 1]]
    found = find_label_errors(HAND, LABELS)
    # Three labels each: rows are scaled by 3/3, so one 0 is a 1, and two 1s are a 0.
    assert found.joint * 6 == pytest.approx(np.array([[2, 1], [2, 1]]))
    assert found.noise == pytest.approx(0.5)
    assert found.suspects.tolist() == [2, 5, 4]  # two margins of -0.8, one of -0.2
    assert found.suggested.tolist() == [1, 0, 0]
    assert found.margins == pytest.approx([-0.8, -0.8, -0.2])


def test_of_several_confident_classes_the_likeliest_confident_one_counts():
    """The likeliest class of all, 0, misses its threshold: the paper's rule passes over it."""
    shares = np.array([[0.96, 0.02, 0.02], [0.4, 0.35, 0.25], [0.3, 0.36, 0.34], [0.4, 0.3, 0.3]])
    labels = np.array([0, 1, 1, 2])
    assert class_thresholds(shares, labels) == pytest.approx([0.96, 0.355, 0.3])
    counts = confident_joint(shares, labels)
    # Row 2 reaches 1 and 2 and is likelier 1; row 3 reaches 2 alone; row 1 reaches nothing.
    assert counts.tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]


#: By seed of ``_made``: what cleanlab 2.9.0 (with numpy 2.4.6) gave as the confident joint, and as
#: suspects pruned by noise rate and ranked by normalized margin. Its joints agree with ours for
#: each of the seeds 0 to 39; elsewhere than here one to four suspects can differ, where rounding
#: the estimated counts to whole images has to break a tie.
CLEANLAB = {
    4: (
        [[41, 0, 2, 3], [2, 39, 0, 5], [0, 0, 50, 2], [4, 2, 0, 42]],
        "231 149 185 271 5 133 216 289 38 128 194 110 242 90 233 93 247 30 104 163 112 241 26 170 "
        "261 162 180 154 228",
    ),
    5: (
        [[48, 2, 3, 1], [1, 44, 2, 3], [2, 3, 45, 0], [1, 4, 0, 46]],
        "154 201 222 64 106 120 98 97 160 162 45 161 286 30 296 267 145 280 26 153 165 88 278 14 "
        "96 259 277 179 269 29 54",
    ),
}


@pytest.mark.parametrize("seed", CLEANLAB)
def test_joint_and_suspects_are_cleanlab_s(seed):
    joint, suspects = CLEANLAB[seed]
    shares, labels = _made(seed)
    assert confident_joint(shares, labels).tolist() == joint
    found = find_label_errors(shares, labels)
    assert found.suspects.tolist() == [int(row) for row in suspects.split()]


@given(st.integers(0, 10_000), st.integers(2, 6))
def test_the_joint_keeps_the_counts_of_labels_and_suspects_are_in_order(seed, classes):
    shares, labels = _made(seed, n=60, classes=classes)
    found = find_label_errors(shares, labels)
    counts = np.bincount(labels, minlength=classes)
    assert found.joint.sum() == pytest.approx(1)
    assert found.joint.sum(axis=1) * 60 == pytest.approx(counts)
    assert (np.diff(found.margins) >= 0).all()
    assert (found.margins < 0).all()
    assert (shares.argmax(axis=1)[found.suspects] == found.suggested).all()
    assert (labels[found.suspects] != found.suggested).all()


def test_right_labels_of_sure_networks_are_not_suspected():
    shares = np.full((30, 3), 0.05) + 0.85 * np.eye(3)[np.arange(30) % 3]
    found = find_label_errors(shares, np.arange(30) % 3)
    assert found.noise == 0
    assert len(found.suspects) == 0


def test_a_class_without_labels_is_never_the_right_one():
    shares, labels = _made(1, classes=3)
    labels[labels == 2] = 0
    found = find_label_errors(shares, labels)
    assert not (found.suggested == 2).any() or found.joint[:, 2].sum() == 0
    assert np.isfinite(found.joint).all()


def test_what_is_no_probability_is_refused():
    with pytest.raises(InputError, match="adds up to"):
        find_label_errors(HAND * 2 / 3, LABELS)
    with pytest.raises(InputError, match="differ in length"):
        find_label_errors(HAND, LABELS[:3])
