"""Real images: every registered dataset that is on this machine, and CIFAR-10-JPEG closely."""

from __future__ import annotations

import numpy as np
import pytest

from cnnlab.data import SOURCES, open_dataset
from cnnlab.data.dataset import Dataset

pytestmark = pytest.mark.long


@pytest.mark.parametrize("name", SOURCES)
def test_every_registered_dataset_that_is_here_opens(name: str) -> None:
    if SOURCES.get(name).find() is None:
        pytest.skip(f"{name} is not on this machine (set CNNLAB_DATA to where it lies)")
    dataset = open_dataset(name, offline=True)
    assert dataset.name == SOURCES.get(name).title
    assert len(dataset.class_names) == len(np.unique(dataset.labels))
    assert dataset.images.std() > 10


@pytest.fixture(scope="module")
def cifar10_jpeg() -> Dataset:
    if SOURCES.get("cifar10-jpeg").find() is None:
        pytest.skip("cifar10-jpeg.tar.xz is not in CNNLAB_DATA")
    return open_dataset("cifar10-jpeg", offline=True)


def test_shapes_and_balance(cifar10_jpeg: Dataset) -> None:
    assert cifar10_jpeg.images.shape == (60_000, 32, 32, 3)
    assert cifar10_jpeg.parts == {"train": 50_000, "test": 10_000}
    names = "airplane automobile bird cat deer dog frog horse ship truck"
    assert " ".join(cifar10_jpeg.class_names) == names
    for part, each in (("train", 5_000), ("test", 1_000)):
        labels = cifar10_jpeg.labels[cifar10_jpeg.rows_of(part)]
        assert np.bincount(labels).tolist() == [each] * 10
    assert cifar10_jpeg.notes == ()


def test_published_statistics_of_train(cifar10_jpeg: Dataset) -> None:
    levels = np.arange(256) / 255
    shares = np.stack(
        [np.bincount(cifar10_jpeg.images[:50_000, ..., c].ravel(), minlength=256) for c in range(3)]
    ) / (50_000 * 32 * 32)
    mean = shares @ levels
    deviation = np.sqrt(shares @ levels**2 - mean**2)
    np.testing.assert_allclose(mean, [0.4913, 0.4821, 0.4465], atol=5e-5)
    np.testing.assert_allclose(deviation, [0.2452, 0.2428, 0.2606], atol=5e-5)


def test_the_second_opening_reads_the_cache(cifar10_jpeg: Dataset) -> None:
    said: list[str] = []
    again = open_dataset("cifar10-jpeg", offline=True, say=said.append)
    assert said == []  # nothing was decoded
    assert isinstance(again.images, np.memmap)
    assert again.fingerprint == cifar10_jpeg.fingerprint
