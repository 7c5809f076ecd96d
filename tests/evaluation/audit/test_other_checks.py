"""Class balance, drift, odd and empty images, accuracy without copies: hand-worked, SciPy's."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2, chi2_contingency

from cnnlab.data import open_dataset
from cnnlab.data.images import ImageHeader
from cnnlab.evaluation.audit.accuracy import twin_accuracy
from cnnlab.evaluation.audit.balance import class_balance
from cnnlab.evaluation.audit.blocks import blocks
from cnnlab.evaluation.audit.drift import find_drift, simple_features
from cnnlab.evaluation.audit.quality import constant_rows, odd_files
from cnnlab.runs import Predictions


def test_balance_counts_ratios_and_shift():
    labels = np.array([0] * 6 + [1] * 3 + [0] * 2 + [2] * 2)
    found = class_balance(labels, 4, {"train": np.arange(9), "test": np.arange(9, 13)})
    assert found.counts["train"].tolist() == [6, 3, 0, 0]
    assert found.ratios == {"train": 2.0, "test": 1.0}
    assert found.missing == {"train": [2, 3], "test": [1, 3]}
    (shift,) = found.shifts
    assert shift.distance == pytest.approx((abs(1 / 2 - 2 / 3) + 1 / 3 + 1 / 2) / 2)
    assert shift.p_value == pytest.approx(chi2_contingency([[2, 0, 2], [6, 3, 0]]).pvalue)


def test_two_classes_are_compared_by_pearson_s_own_statistic():
    labels = np.array([0] * 12 + [1] * 6 + [0] * 3 + [1] * 9)
    found = class_balance(labels, 2, {"train": np.arange(18), "test": np.arange(18, 30)})
    table = [[3, 9], [12, 6]]
    expected = np.outer([12, 18], [15, 15]) / 30
    statistic = ((np.array(table) - expected) ** 2 / expected).sum()
    assert found.shifts[0].p_value == pytest.approx(chi2.sf(statistic, 1))


def _noise(count, low, high, seed):
    generator = np.random.default_rng(seed)
    return generator.integers(low, high, (count, 8, 8, 3), dtype=np.uint8)


def test_drift_is_seen_where_there_is_some_and_not_where_there_is_none():
    images = np.concatenate(
        [_noise(300, 0, 200, 0), _noise(200, 0, 200, 1), _noise(200, 5, 205, 2)]
    )
    parts = {
        "train": np.arange(300),
        "validation": np.arange(300, 500),
        "test": np.arange(500, 700),
    }
    same, other = find_drift(images, parts)
    assert not same.seen
    assert "no drift seen: AUC 0." in same.to_text()
    assert other.seen
    assert other.auc > 0.7
    effects = {effect.name: effect for effect in other.effects}
    here, there = (some.mean(axis=(1, 2))[:, 0] for some in (images[500:], images[:300]))
    pooled = np.sqrt((here.var(ddof=1) * 199 + there.var(ddof=1) * 299) / 498)
    expected = (here.mean() - there.mean()) / pooled
    assert effects["red"].size == pytest.approx(expected, rel=1e-6)


def test_draws_from_one_pool_are_seldom_called_drift():
    pool = open_dataset("digits").images
    generator, seen = np.random.default_rng(5), 0
    for seed in range(150):
        rows = generator.permutation(len(pool))[:500]
        (found,) = find_drift(pool, {"train": rows[:400], "test": rows[400:]}, seed=seed)
        seen += found.seen
    assert seen <= 10  # of 150; one in 40 is what the interval promises


def test_versions_of_one_picture_count_once():
    generator = np.random.default_rng(6)
    pictures = generator.integers(0, 256, (60, 8, 8, 1)).astype(np.int64)
    versions = np.repeat(pictures, 10, axis=0) + generator.integers(-3, 4, (600, 8, 8, 1))
    images = versions.clip(0, 255).astype(np.uint8)
    parts = {"train": np.arange(300), "test": np.arange(300, 600)}
    (blind,) = find_drift(images, parts)
    assert blind.seen
    (found,) = find_drift(images, parts, groups=np.repeat(np.arange(0, 600, 10), 10))
    assert not found.seen
    assert found.images == (30, 30)


def test_large_images_are_looked_at_in_blocks():
    """In one piece or in many: the same features, the same rows."""
    images = np.random.default_rng(0).integers(0, 256, (20, 512, 512, 1), dtype=np.uint8)
    images[11] = 7
    assert constant_rows(images).tolist() == [11]
    assert len(list(blocks(20, images.shape[1:]))) > 1
    parts = {"a": np.arange(20), "b": np.arange(20, 40)}
    (drift,) = find_drift(np.concatenate([images, images]), parts)
    values, names = simple_features(images)
    means = dict(zip(names, values.mean(axis=0), strict=False))
    assert {e.name: e.mean for e in drift.effects} == pytest.approx(means)


def test_too_small_a_part_shows_nothing():
    assert (
        find_drift(_noise(40, 0, 9, 0), {"train": np.arange(30), "test": np.arange(30, 40)}) == []
    )


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_features_of_every_colour_mode(channels):
    values, names = simple_features(np.zeros((3, 5, 9, channels), np.uint8))
    assert values.shape == (3, (channels if channels > 1 else 0) + 3 + 16)
    assert names[-3:] == ("brightness", "contrast", "sharpness")


def test_constant_rows_are_those_of_one_colour():
    images = _noise(5, 0, 200, 0)
    images[1], images[3] = [10, 200, 30], 0
    images[3, 7, 7, 2] = 1
    assert constant_rows(images).tolist() == [1]


def test_odd_files_are_named_once_each():
    sides = {
        "a": (40, 30),
        "b": (40, 31),
        "c": (80, 30),
        "d": (12, 9),
        "e": (400, 300),
        "f": (8, 40),
    }
    headers = {name: ImageHeader(*size, "RGB") for name, size in sides.items()}
    found = {odd.file: odd.problem for odd in odd_files([*sides, "gone"], headers, 32)}
    assert found == {"c": "stretched", "f": "stretched", "d": "tiny", "e": "odd size"}
    assert odd_files(["gone"], {}, 32) == []


def test_accuracy_with_and_without_twins_worked_by_hand():
    groups = np.array([0, 1, 2, 0, 4, 1])
    logits = np.array([[1, 0], [1, 0], [0, 1]], np.float32)
    predictions = Predictions(logits, np.array([0, 1, 1]), np.array([3, 4, 5]))
    found = twin_accuracy("validation", predictions, groups, np.array([0, 1, 2]))
    assert (found.everything.correct, found.everything.n) == (2, 3)
    assert (found.twins.correct, found.twins.n) == (2, 2)
    assert (found.without_twins.correct, found.without_twins.n) == (0, 1)
    none = twin_accuracy("test", predictions, np.arange(6), np.array([0]))
    assert none.twins.accuracy is None
    assert none.twins.to_dict() == {"accuracy": None, "interval": None, "correct": 0, "n": 0}
