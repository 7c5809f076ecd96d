import numpy as np
import pytest
from PIL import Image
from sklearn import datasets

from cnnlab.data import digits
from cnnlab.data.digits import Digits, upscale
from cnnlab.data.source import SOURCES, Decoded, Found, ReadOptions
from cnnlab.errors import ChecksumError, DataError


def read() -> Decoded:
    source = Digits()
    found = source.find()
    assert found is not None
    return source.read(found, ReadOptions(), lambda shape: np.empty(shape, dtype=np.uint8))


def test_the_digits_are_all_there_at_32_pixels() -> None:
    decoded = read()
    assert decoded.images.shape == (1797, 32, 32, 1)
    assert decoded.images.dtype == np.uint8
    assert decoded.images.min() == 0
    assert decoded.images.max() == 255
    np.testing.assert_array_equal(decoded.labels, datasets.load_digits().target)
    assert decoded.labels.dtype == np.int64
    assert decoded.class_names == tuple("0123456789")
    assert dict(decoded.parts) == {"train": 1797}
    assert isinstance(SOURCES.get("digits"), Digits)


def test_enlarging_agrees_with_pillows_bilinear_filter() -> None:
    ours = read().images[..., 0].astype(np.float64)
    for index in range(0, 1797, 97):
        grey = (datasets.load_digits().images[index] * (255 / 16)).astype(np.float32)
        theirs = np.asarray(Image.fromarray(grey).resize((32, 32), Image.Resampling.BILINEAR))
        assert np.abs(ours[index] - theirs).max() <= 0.5 + 1e-3


def test_an_even_surface_stays_even_at_the_right_level() -> None:
    for level in range(17):
        flat = np.full((1, 3, 5), level, dtype=np.uint8)
        enlarged = upscale(flat, white=16, factor=4)
        assert enlarged.shape == (1, 12, 20)
        assert set(np.unique(enlarged)) == {int(level * 255 / 16 + 0.5)}


def test_other_values_are_a_checksum_error(monkeypatch: pytest.MonkeyPatch) -> None:
    bunch = datasets.load_digits()
    bunch.images[7, 3, 3] += 1
    monkeypatch.setattr(datasets, "load_digits", lambda: bunch)
    with pytest.raises(ChecksumError, match="SHA-256"):
        read()


def test_a_broken_installation_is_said_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise FileNotFoundError("digits.csv.gz")

    monkeypatch.setattr(datasets, "load_digits", broken)
    with pytest.raises(DataError, match="install scikit-learn again") as caught:
        read()
    assert "\n" not in str(caught.value)


def test_fetch_needs_no_download_and_says_so() -> None:
    said: list[str] = []
    found = Digits().fetch(said.append)
    assert found.path.is_file()
    assert said == ["the digits come with scikit-learn: nothing to download"]


def test_without_scikit_learn_there_are_no_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digits, "find_spec", lambda name: None)
    assert Digits().find() is None
    with pytest.raises(DataError, match="not installed"):
        Digits().fetch(lambda line: None)


def test_identity_changes_with_the_version(monkeypatch: pytest.MonkeyPatch) -> None:
    before = Digits().find()
    monkeypatch.setattr(digits, "version", lambda name: "0.0.0")
    after = Digits().find()
    assert isinstance(before, Found)
    assert isinstance(after, Found)
    assert before.identity != after.identity
