"""The nearest training images against scikit-learn, and features against a hook."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from sklearn.metrics import pairwise_distances
from sklearn.neighbors import NearestNeighbors
from small_bundles import bundle_of_layers, random_images

from cnnlab.bundle import Bundle
from cnnlab.data.dataset import Dataset, fingerprint_of
from cnnlab.errors import InputError, RunError
from cnnlab.explanation.features import features_of, training_features
from cnnlab.explanation.nearest import METRICS, TrainingImages, distances
from cnnlab.files import write_bytes

SHAPE = (6, 5, 3)
LAYERS = [
    {"type": "Conv2D", "filters": 4, "kernel_size": 3, "activation": "relu"},
    {"type": "Flatten"},
    {"type": "Dense", "units": 7, "activation": "tanh"},
    {"type": "Dropout", "rate": 0.5},
    {"type": "Dense", "units": "classes"},
]


def _dataset(count: int = 600) -> Dataset:
    images = random_images(count, SHAPE, seed=1)
    labels = np.arange(count) % 3
    names = ("a", "b", "c")
    return Dataset(
        "noise", images, labels, names, {"train": count}, fingerprint_of(images, labels, names)
    )


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CNNLAB_HOME", str(tmp_path / "home"))


def _hooked(bundle: Bundle, images: np.ndarray, head: str) -> np.ndarray:
    """What the head is given, caught on its way."""
    seen: list[torch.Tensor] = []
    hook = getattr(bundle.network, head).register_forward_pre_hook(
        lambda module, inputs: seen.append(inputs[0])
    )
    bundle.logits(images)
    hook.remove()
    return torch.cat(seen).double().numpy()


@pytest.mark.parametrize("mirror", [False, True])
def test_features_are_what_the_head_is_given(mirror: bool) -> None:
    bundle = bundle_of_layers(LAYERS, mirror=mirror)
    images = random_images(300, SHAPE)  # more than a block
    rows = np.array([5, 3, 299])
    if not mirror:
        expected = _hooked(bundle, images, "dense_1")
    else:
        plain = bundle_of_layers(LAYERS)
        both = [_hooked(plain, some, "dense_1") for some in (images, images[:, :, ::-1])]
        expected = np.mean(both, axis=0)
    found = features_of(bundle, images)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    np.testing.assert_allclose(features_of(bundle, images, rows), found[rows], atol=1e-6)


@pytest.mark.parametrize("metric", METRICS)
def test_neighbours_are_scikit_learns(metric: str) -> None:
    bundle, dataset = bundle_of_layers(LAYERS), _dataset()
    rows = np.arange(50, 550)
    searched = TrainingImages(bundle, dataset, rows)
    oracle = NearestNeighbors(n_neighbors=6, metric=metric, algorithm="brute")
    oracle.fit(_hooked(bundle, dataset.images[rows], "dense_1"))
    asked = random_images(8, SHAPE, seed=9)
    away, places = oracle.kneighbors(_hooked(bundle, asked, "dense_1"))
    for image, expected, place in zip(asked, away, places, strict=True):
        found = searched.nearest(image, 6, metric=metric)
        np.testing.assert_allclose([each.distance for each in found.found], expected, atol=1e-5)
        assert [each.row for each in found.found] == rows[place].tolist()
        for each in found.found:
            assert each.class_name == dataset.class_names[dataset.labels[each.row]]
            np.testing.assert_array_equal(each.image, dataset.images[each.row])
            assert not each.identical
    assert (found.layer, found.features, found.searched) == ("dropout", 7, 500)


#: scikit-learn takes the tiniest for zeros.
VALUES = st.integers(-400, 400).map(lambda value: value / 8)
FEATURES = npst.arrays(
    np.float32, st.tuples(st.integers(2, 12), st.integers(1, 5)), elements=VALUES
)


@given(FEATURES)
def test_distances_are_scikit_learns(features: np.ndarray) -> None:
    rest, one = features[1:], features[0]
    for metric in METRICS:
        expected = pairwise_distances(
            rest.astype(np.float64), one[None].astype(np.float64), metric=metric
        )[:, 0]
        found = distances(rest, one, metric)
        np.testing.assert_allclose(found, expected, atol=1e-4 if metric == "euclidean" else 1e-6)


def test_the_very_same_image_is_told() -> None:
    bundle, dataset = bundle_of_layers(LAYERS), _dataset()
    searched = TrainingImages(bundle, dataset, np.arange(600))
    first = searched.nearest(dataset.images[123].copy(), 3).found[0]
    assert (first.row, first.identical) == (123, True)
    assert first.distance == pytest.approx(0, abs=1e-6)


def test_features_are_computed_once_for_each_weights_and_images() -> None:
    bundle, dataset = bundle_of_layers(LAYERS), _dataset(40)
    rows, said, heard = np.arange(40), [], []
    first = training_features(
        bundle, dataset, rows, say=said.append, watch=lambda *told: heard.append(told)
    )
    assert heard == [(40, 40)]
    again = training_features(bundle, dataset, rows, say=said.append)
    np.testing.assert_array_equal(first, again)
    assert len(said) == 1
    training_features(bundle, dataset, rows[:30], say=said.append)
    other = bundle_of_layers(LAYERS, seed=1, weights="1")
    assert not np.array_equal(training_features(other, dataset, rows, say=said.append), first)
    assert len(said) == 3
    (kept,) = {path.parent for path in Path(os.environ["CNNLAB_HOME"]).rglob("*.npy")}
    for path in kept.iterdir():
        write_bytes(path, path.read_bytes()[:100])
    mended = training_features(bundle, dataset, rows, say=said.append)
    np.testing.assert_array_equal(mended, first)
    assert len(said) == 4


def test_few_files_of_features_are_kept() -> None:
    bundle, dataset = bundle_of_layers(LAYERS), _dataset(40)
    for count in range(20, 32):
        training_features(bundle, dataset, np.arange(count))
    assert len([*Path(os.environ["CNNLAB_HOME"]).rglob("*.npy")]) == 8


def test_a_cache_that_cannot_be_written_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("CNNLAB_HOME", str(tmp_path / "file"))
    said: list[str] = []
    bundle, dataset = bundle_of_layers(LAYERS), _dataset(40)
    assert training_features(bundle, dataset, np.arange(40), say=said.append).shape == (40, 7)
    assert "the features are not kept" in said[1]


def test_what_cannot_be_asked() -> None:
    bundle, dataset = bundle_of_layers(LAYERS), _dataset(40)
    searched = TrainingImages(bundle, dataset, np.arange(40))
    (image,) = random_images(1, SHAPE)
    with pytest.raises(InputError, match=r"neighbours.*1 to 40|1 to 40.*neighbours"):
        searched.nearest(image, 41)
    with pytest.raises(InputError, match="expected cosine or euclidean"):
        searched.nearest(image, metric="manhattan")
    with pytest.raises(RunError, match="does not say where its training images are"):
        TrainingImages.of(bundle)
