"""Shapes: what is planted is exactly what is found, and a larger set begins as the smaller."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesClassifier

from cnnlab.data import SOURCES, ReadOptions, open_dataset
from cnnlab.data.dataset import Dataset
from cnnlab.data.shapes import Shapes, planted, shape_masks
from cnnlab.data.source import Decoded
from cnnlab.errors import ConfigError, UnknownNameError


@cache
def read(**options: float) -> Decoded:
    source = Shapes()
    found = source.find()
    assert found is not None
    given = ReadOptions(own=dict(options))
    return source.read(found, given, lambda shape: np.zeros(shape, dtype=np.uint8))


def part(decoded: Decoded, name: str) -> slice:
    train = decoded.parts["train"]
    return slice(0, train) if name == "train" else slice(train, None)


def test_images_are_there_without_a_file_or_a_download() -> None:
    said: list[str] = []
    found = SOURCES.get("shapes").fetch(said.append)
    assert found == SOURCES.get("shapes").find()
    assert found.path.is_file()
    assert said == ["shapes are drawn on this machine: nothing to download"]
    decoded = read(size=600)
    assert decoded.images.shape == (600, 32, 32, 3)
    assert dict(decoded.parts) == {"train": 500, "test": 100}
    assert decoded.notes == ()
    assert decoded.class_names[:3] == ("circle", "square", "triangle")


def test_the_default_is_six_thousand() -> None:
    assert len(planted().labels) == 6000


@pytest.mark.parametrize("size", [1, 5, 6, 11, 12])
def test_any_number_of_images_can_be_had(size: int) -> None:
    decoded = read(size=size)
    assert len(decoded.images) == len(decoded.labels) == size
    assert sum(decoded.parts.values()) == size
    assert decoded.parts.get("test", 0) == size // 6
    assert 0 not in decoded.parts.values()


def test_every_class_is_drawn_as_often_in_each_part() -> None:
    decoded = read(size=600)
    for name, each in (("train", 50), ("test", 10)):
        assert np.bincount(decoded.labels[part(decoded, name)]).tolist() == [each] * 10
    assert len(np.unique(decoded.images.reshape(600, -1), axis=0)) == 600


@pytest.mark.parametrize("smaller", [7, 60, 431])
def test_each_part_of_a_smaller_set_begins_the_larger(smaller: int) -> None:
    small, large = read(size=smaller), read(size=600)
    for name in small.parts:
        count = small.parts[name]
        ours, theirs = part(small, name), part(large, name)
        np.testing.assert_array_equal(small.images[ours], large.images[theirs][:count])
        np.testing.assert_array_equal(small.labels[ours], large.labels[theirs][:count])


def test_another_seed_gives_other_images() -> None:
    first, second = read(size=60), read(size=60, drawing_seed=1)
    assert not (first.images == second.images).all(axis=(1, 2, 3)).any()
    assert (first.labels != second.labels).any()


def copies_by_bytes(images: NDArray[np.uint8]) -> int:
    return len(images) - len({image.tobytes() for image in images})


@given(st.integers(1, 400), st.integers(0, 2**63 - 1), st.floats(0, 0.9), st.floats(0, 0.5))
def test_as_many_are_planted_as_were_asked_for(
    size: int, seed: int, label_errors: float, duplicates: float
) -> None:
    truth = planted(size=size, drawing_seed=seed, label_errors=label_errors, duplicates=duplicates)
    assert len(truth.labels) == len(truth.true_labels) == len(truth.sources) == size
    assert len(truth.wrong_rows) == round(label_errors * size)
    assert len(truth.copied_rows) == round(duplicates * size)
    originals = truth.sources[truth.copied_rows]
    assert not set(originals) & set(truth.copied_rows), "an original is itself no copy"
    np.testing.assert_array_equal(truth.true_labels, truth.true_labels[truth.sources])
    assert set(truth.labels) <= set(range(10))


def test_the_truth_is_what_stands_in_the_arrays() -> None:
    clean, dirty = read(size=600), read(size=600, label_errors=0.05, duplicates=0.1)
    truth = planted(size=600, label_errors=0.05, duplicates=0.1)
    np.testing.assert_array_equal(dirty.labels, truth.labels)
    np.testing.assert_array_equal(dirty.images, clean.images[truth.sources])
    np.testing.assert_array_equal(truth.true_labels, clean.labels[truth.sources])
    assert np.count_nonzero(truth.labels != truth.true_labels) == 30
    assert copies_by_bytes(dirty.images) == len(truth.copied_rows) == 60
    assert copies_by_bytes(clean.images) == 0
    assert dirty.notes == (
        "planted: of 600 rows, 30 labels are wrong, 60 images are copies of others",
    )


def test_wrong_labels_alone_change_no_pixel() -> None:
    clean, wrong = read(size=600), read(size=600, label_errors=0.2)
    np.testing.assert_array_equal(wrong.images, clean.images)
    changed = wrong.labels != clean.labels
    assert changed.sum() == 120
    np.testing.assert_array_equal(
        np.flatnonzero(changed), planted(size=600, label_errors=0.2).wrong_rows
    )


def test_wrong_labels_are_spread_over_parts_classes_and_answers() -> None:
    truth = planted(size=6000, label_errors=0.3)
    wrong = truth.wrong_rows
    assert 0.25 < np.mean(wrong >= 5000) / (1000 / 6000) * 0.3 < 0.35
    steps = (truth.labels[wrong] - truth.true_labels[wrong]) % 10
    assert np.bincount(steps, minlength=10)[1:].min() > 150
    assert np.bincount(truth.true_labels[wrong]).min() > 130


def test_more_errors_are_planted_beside_the_fewer() -> None:
    few, many = (planted(size=900, label_errors=share).wrong_rows for share in (0.1, 0.2))
    assert set(few) < set(many)


def test_case_12_copies_across_the_parts_are_counted_and_said() -> None:
    options = ReadOptions(own={"size": 600, "duplicates": 0.2})
    said: list[str] = []
    dataset = open_dataset("shapes", options=options, say=said.append)
    truth = planted(size=600, duplicates=0.2)
    across = sum(truth.sources[row] < 500 for row in truth.copied_rows if row >= 500)
    assert across > 0
    assert any("test images are exact copies of train images" in line for line in said)
    assert counted(dataset) == 120


def counted(dataset: Dataset) -> int:
    """The copies that the notes, which other code wrote, tell of."""
    return sum(int(note.split()[0]) for note in dataset.notes if "exact copies" in note)


def test_masks_lie_on_what_was_drawn_whatever_the_label_says() -> None:
    options = {"size": 300, "label_errors": 0.3, "duplicates": 0.2, "drawing_seed": 4}
    dataset = open_dataset("shapes", options=ReadOptions(own=options))
    truth, masks = planted(**options), shape_masks(np.arange(300), **options)
    np.testing.assert_array_equal(masks, masks[truth.sources])
    np.testing.assert_array_equal(shape_masks([7, 3], **options), masks[[7, 3]])

    def contrast(chosen: NDArray[np.bool_]) -> float:
        pairs = zip(dataset.images.astype(float), chosen, strict=True)
        apart = [image[mask].mean(axis=0) - image[~mask].mean(axis=0) for image, mask in pairs]
        return float(np.linalg.norm(apart, axis=1).mean())

    assert contrast(masks) > 2 * contrast(np.roll(masks, 1, axis=0))


def test_wrong_options_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"shapes, size: .* 0; expected a whole number from 1 to"):
        planted(size=0)
    with pytest.raises(ConfigError, match=r"shapes, label_errors: .*expected a number from 0 to"):
        open_dataset("shapes", options=ReadOptions(own={"label_errors": 1}))
    with pytest.raises(UnknownNameError, match="shapes has no option 'seed'"):
        planted(seed=3)


def silhouettes(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """What stands out from the border's colour, described by moments that no turn changes."""
    pixels = images.astype(np.float64)
    edge = np.concatenate([pixels[:, 0], pixels[:, -1], pixels[:, :, 0], pixels[:, :, -1]], axis=1)
    ground = np.median(edge, axis=1)[:, None, None, :]
    mask = (np.sqrt(((pixels - ground) ** 2).sum(axis=-1)) > 60).astype(np.float64)
    mass = mask.sum(axis=(1, 2)) + 1e-9
    row, column = np.mgrid[:32, :32]
    middle_row, middle_column = ((mask * axis).sum(axis=(1, 2)) / mass for axis in (row, column))
    down = row - middle_row[:, None, None]
    right = column - middle_column[:, None, None]

    def moment(p: int, q: int) -> NDArray[np.float64]:
        total: NDArray[np.float64] = (right**p * down**q * mask).sum(axis=(1, 2))
        return total / mass ** (1 + (p + q) / 2)

    far = np.sqrt((right**2 + down**2) / mass[:, None, None])
    rings = [
        (mask * ((far >= low) & (far < low + 0.12))).sum(axis=(1, 2)) / mass
        for low in np.arange(0, 1.2, 0.12)
    ]
    return np.stack(
        [
            moment(2, 0) + moment(0, 2),
            (moment(2, 0) - moment(0, 2)) ** 2 + 4 * moment(1, 1) ** 2,
            (moment(3, 0) - 3 * moment(1, 2)) ** 2 + (3 * moment(2, 1) - moment(0, 3)) ** 2,
            *rings,
        ],
        axis=1,
    )  # fmt: skip


def test_the_classes_can_be_told_apart_but_not_by_a_glance_at_pixels() -> None:
    decoded = read(size=1500)
    train, test = part(decoded, "train"), part(decoded, "test")
    accuracies = {}
    for name, features in (
        ("pixels", decoded.images[:, ::4, ::4].reshape(1500, -1)),
        ("outlines", silhouettes(decoded.images)),
    ):
        trees = ExtraTreesClassifier(40, random_state=0)
        trees.fit(features[train], decoded.labels[train])
        accuracies[name] = trees.score(features[test], decoded.labels[test])
    assert accuracies["pixels"] < 0.35
    assert 0.5 < accuracies["outlines"] < 0.9
