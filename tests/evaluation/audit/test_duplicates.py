"""Planted copies are found, exact and near, and nothing else is."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from cnnlab.data import open_dataset
from cnnlab.data.shapes import planted
from cnnlab.data.source import ReadOptions
from cnnlab.evaluation.audit.duplicates import copies_between, find_duplicates
from cnnlab.evaluation.audit.likeness import likeness_of


def _jpeg(image: np.ndarray) -> np.ndarray:
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "JPEG", quality=80)
    return np.asarray(Image.open(stream))


def _shifted(image: np.ndarray) -> np.ndarray:
    return np.pad(image, ((1, 0), (0, 1), (0, 0)), mode="edge")[:-1, 1:]


def _shifted_by_two(image: np.ndarray) -> np.ndarray:
    return np.pad(image, ((2, 0), (0, 2), (0, 0)), mode="edge")[:-2, 2:]


VERSIONS = {
    "shifted": _shifted_by_two,
    "recompressed": _jpeg,
    "darker": lambda image: (image * 0.7 + 10).astype(np.uint8),
    "mirrored": lambda image: image[:, ::-1],
    "mirrored and recompressed": lambda image: _jpeg(np.ascontiguousarray(image[:, ::-1])),
}


def _photographs(count: int) -> np.ndarray:
    """Pictures with detail at every scale, as photographs have, uint8 ``[N, 32, 32, 3]``."""
    generator = np.random.default_rng(3)
    images = np.zeros((count, 32, 32, 3))
    for side in (4, 8, 16, 32):
        small = generator.integers(0, 256, (count, side, side, 3), dtype=np.uint8)
        images += [np.asarray(Image.fromarray(one).resize((32, 32), 2)) for one in small]
    return (images / 4).astype(np.uint8)


@pytest.mark.parametrize("version", VERSIONS)
def test_another_version_of_a_picture_is_a_near_copy(version):
    images = _photographs(60)
    images[50:] = [VERSIONS[version](image) for image in images[:10]]
    found = find_duplicates(images, np.arange(60) % 10)
    pairs = set(zip(found.first.tolist(), found.second.tolist(), strict=True))
    planted_pairs = {(row, 50 + row) for row in range(10)}
    assert pairs <= planted_pairs
    assert len(pairs) >= 9
    assert not found.exact.any()
    assert found.mirrored.all() == ("mirrored" in version)


@pytest.mark.parametrize("crowd", [100, 700])
def test_a_crowd_of_one_picture_hides_neither_itself_nor_other_copies(crowd):
    images = _photographs(60)
    images[50:] = [_jpeg(image) for image in images[:10]]
    levels = np.linspace(0.75, 1.0, crowd)[:, None, None, None]
    noise = np.random.default_rng(4).normal(0, 1.5, (crowd, 32, 32, 3))
    many = np.clip(images[20] * levels + noise, 0, 255).astype(np.uint8)
    together = np.concatenate([images, many])
    found = find_duplicates(together, np.arange(len(together)) % 10)
    assert (found.groups[60:] == 20).all()
    assert np.count_nonzero(found.groups[50:60] == np.arange(10)) >= 9
    assert np.bincount(found.first).max() <= 2 * 32


def test_a_shifted_picture_is_as_alike_as_can_be():
    images = _photographs(10)
    images[5:] = [_shifted(image) for image in images[:5]]
    rows = np.arange(5)
    upright = np.zeros(5, np.bool_)
    assert likeness_of(images, rows, rows + 5, upright, least_alike=-1.0).min() > 0.99


def test_exact_copies_of_shapes_are_those_that_were_planted():
    options = {"size": 600, "duplicates": 0.1}
    data = open_dataset("shapes", options=ReadOptions(own=options))
    truth = planted(**options)
    found = find_duplicates(data.images, data.labels)
    groups = {}
    for row, source in enumerate(truth.sources.tolist()):
        groups.setdefault(source, row)
    assert found.exact_groups.tolist() == [groups[source] for source in truth.sources.tolist()]
    assert found.exact.sum() == 60
    assert (found.likeness[found.exact] == 1).all()


def test_copies_are_counted_by_parts_as_worked_by_hand():
    images = _photographs(8)
    images[3] = images[0]  # train repeats train
    images[5] = images[0]  # test repeats train
    images[7] = images[6]  # test repeats test
    images[4] = _jpeg(images[1])  # test shows what train shows
    found = find_duplicates(images, np.zeros(8, np.int64))
    parts = {"train": np.arange(4), "test": np.arange(4, 8)}
    counted = [
        (one.part, one.other, one.exact, one.near, one.images)
        for one in copies_between(found, parts)
    ]
    assert counted == [
        ("train", "train", 1, 0, 4),
        ("test", "train", 1, 1, 4),
        ("test", "test", 1, 0, 4),
    ]
    assert found.groups.tolist() == [0, 1, 2, 0, 1, 0, 6, 6]


def test_flat_and_few_images_do_no_harm():
    images = np.zeros((5, 8, 8, 1), np.uint8)
    images[:, 0, 0] = np.arange(5)[:, None]
    images[4] = 0
    assert find_duplicates(images, np.zeros(5, np.int64)).exact_groups.tolist() == [0, 1, 2, 3, 0]
    assert len(find_duplicates(images[:1], np.zeros(1, np.int64)).first) == 0


def test_likeness_is_that_of_details_not_of_layout():
    images = _photographs(4)
    grid = np.repeat(np.repeat(images[:2, ::8, ::8], 8, axis=1), 8, axis=2)
    noise = np.random.default_rng(0).integers(-30, 31, (2, 32, 32, 3))
    layout = grid[[0, 0]].astype(int)
    images[:2] = np.clip(layout + noise, 0, 255)  # one layout, two textures
    images[2] = np.clip(images[0].astype(int) // 2 + 60, 0, 255)
    first, second = np.array([0, 0, 0]), np.array([0, 2, 1])
    same, darker, other = likeness_of(images, first, second, np.zeros(3, np.bool_))
    assert same == pytest.approx(1, abs=1e-4)
    assert darker > 0.95
    assert other < 0.6


def test_pairs_of_which_none_is_close_are_like_nothing():
    ramp = np.arange(64, dtype=np.uint8).reshape(1, 8, 8, 1)
    images = np.concatenate([ramp, 63 - ramp])
    upright = np.zeros(1, np.bool_)
    assert likeness_of(images, np.array([0]), np.array([1]), upright).tolist() == [0.0]
