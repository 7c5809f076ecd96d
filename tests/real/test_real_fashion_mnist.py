"""Fashion-MNIST itself, where it lies on this machine."""

import gzip
import os
from pathlib import Path

import numpy as np
import pytest

from cnnlab.data.fashion_mnist import CLASS_NAMES, FashionMnist, read_path, recognise
from cnnlab.data.idx_folder import all_present
from cnnlab.data.source import Decoded, Found, ReadOptions


@pytest.fixture(scope="module")
def found() -> Found:
    found = FashionMnist().find()
    if found is None:
        pytest.skip("Fashion-MNIST is not on this machine (cnnlab data fetch fashion-mnist)")
    return found


@pytest.fixture(scope="module")
def decoded(found: Found) -> Decoded:
    return FashionMnist().read(found, ReadOptions(), lambda shape: np.empty(shape, np.uint8))


def test_case_07_pixels_and_labels_equal_an_independent_reader(
    found: Found, decoded: Decoded
) -> None:
    offsets = {"train-images": 16, "t10k-images": 16, "train-labels": 8, "t10k-labels": 8}
    raw = {
        stem: np.frombuffer(
            (gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes())[
                offsets[stem] :
            ],
            dtype=np.uint8,
        )
        for stem, path in all_present(found.path).items()
    }
    images = np.concatenate([raw["train-images"], raw["t10k-images"]]).reshape(70_000, 28, 28, 1)
    np.testing.assert_array_equal(decoded.images, images)
    labels = np.concatenate([raw["train-labels"], raw["t10k-labels"]])
    np.testing.assert_array_equal(decoded.labels, labels)


def test_it_is_what_its_publishers_describe(decoded: Decoded) -> None:
    assert dict(decoded.parts) == {"train": 60_000, "test": 10_000}
    assert np.bincount(decoded.labels[:60_000]).tolist() == [6_000] * 10
    assert np.bincount(decoded.labels[60_000:]).tolist() == [1_000] * 10
    assert decoded.class_names == CLASS_NAMES
    train = decoded.images[:60_000] / np.float32(255)
    assert train.mean(dtype=np.float64) == pytest.approx(0.2860, abs=5e-5)
    assert train.std(dtype=np.float64) == pytest.approx(0.3530, abs=5e-5)


def test_by_its_path_it_is_the_same(found: Found, decoded: Decoded) -> None:
    again = recognise(found.path)
    assert again is not None
    by_path = read_path(again, ReadOptions(), lambda shape: np.empty(shape, np.uint8))
    np.testing.assert_array_equal(by_path.images, decoded.images)
    assert by_path.class_names == CLASS_NAMES
    assert by_path.notes == ()


@pytest.mark.skipif(
    not os.environ.get("CNNLAB_TEST_NETWORK"),
    reason="downloads 31 MB: set CNNLAB_TEST_NETWORK=1 to try it",
)
def test_it_can_be_fetched_into_an_empty_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CNNLAB_HOME", str(tmp_path))
    fetched = FashionMnist().fetch(print, time_limit_seconds=120)
    assert fetched.path == tmp_path / "downloads" / "fashion-mnist"
    decoded = FashionMnist().read(fetched, ReadOptions(), lambda shape: np.empty(shape, np.uint8))
    assert len(decoded.images) == 70_000
