import hashlib
import io
import os
import pickle
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from local_server import serving
from numpy.typing import NDArray

from cnnlab.data import places
from cnnlab.data.cifar import Cifar
from cnnlab.data.cifar10 import BINARY, CIFAR10, CLASS_NAMES, PYTHON
from cnnlab.data.cifar_forms import Form
from cnnlab.data.download import RemoteFile
from cnnlab.data.source import SOURCES, Decoded, Found, ReadOptions
from cnnlab.errors import ChecksumError, DataError, DownloadError

COUNT = 20  # images a batch
COUNTS = (5 * COUNT, COUNT)
Records = list[tuple[NDArray[np.uint8], NDArray[np.uint8]]]


def records() -> Records:
    """Planes and labels of six small batches; the first image of all is red."""
    rng = np.random.default_rng(11)
    made = [
        (
            rng.integers(0, 256, (COUNT, 3072), dtype=np.uint8),
            rng.integers(0, 10, COUNT, dtype=np.uint8),
        )
        for _ in range(6)
    ]
    made[0][0][0] = np.repeat(np.array([200, 20, 2], dtype=np.uint8), 1024)
    return made


def meta_of(form: Form) -> str:
    """The name of the file that lists the classes."""
    return form.names["labels"].name


def write_folder(form: Form, folder: Path, protocol: int = 2) -> Path:
    folder.mkdir(parents=True)
    for file, (planes, labels) in zip(form.batches, records(), strict=True):
        if form is PYTHON:
            batch = {"batch_label": file.name, "labels": labels.tolist(), "data": planes}
            (folder / file.name).write_bytes(pickle.dumps(batch, protocol))
        else:
            np.hstack([labels[:, None], planes]).tofile(folder / file.name)
    if form is PYTHON:
        meta = {"label_names": list(CLASS_NAMES), "num_vis": 3072}
        (folder / meta_of(form)).write_bytes(pickle.dumps(meta, protocol))
    else:
        (folder / meta_of(form)).write_text("\n".join(CLASS_NAMES) + "\n\n")
    return folder


def published(path: Path, algorithm: str) -> RemoteFile:
    digest = hashlib.new(algorithm, path.read_bytes()).hexdigest()
    return RemoteFile(path.name, path.stat().st_size, f"{algorithm}:{digest}")


def write_archive(folder: Path, path: Path) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        archive.add(folder, arcname=folder.name)
    return path


def publish(form: Form, folder: Path, archive: Path) -> Form:
    """The form, with the small files of these tests in place of the published ones."""
    return replace(
        form,
        archive=published(archive, "sha256"),
        batches=tuple(published(folder / file.name, "md5") for file in form.batches),
    )


@pytest.fixture(params=["binary", "python"])
def small(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Cifar, Path, Path]:
    """A source whose published files are small ones; the folder and the archive lie apart."""
    form = {"binary": BINARY, "python": PYTHON}[request.param]
    folder = write_folder(form, tmp_path / "written" / form.folder)
    archive = write_archive(folder, tmp_path / "written" / form.archive.name)
    (tmp_path / "own").mkdir()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    monkeypatch.setenv("CNNLAB_DATA", str(tmp_path / "own"))
    monkeypatch.setenv("CNNLAB_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    return replace(CIFAR10, forms=(publish(form, folder, archive),), counts=COUNTS), folder, archive


def allocate(shape: tuple[int, int, int, int]) -> NDArray[np.uint8]:
    return np.empty(shape, dtype=np.uint8)


def read_named(source: Cifar) -> Decoded:
    found = source.find()
    assert found is not None
    return source.read(found, ReadOptions(), allocate)


def read_folder(path: Path, source: Cifar = CIFAR10) -> Decoded:
    found = source.recognise(path)
    assert found is not None
    return source.read_path(found, ReadOptions(), allocate)


def check(decoded: Decoded) -> None:
    planes = np.concatenate([planes for planes, _ in records()])
    labels = np.concatenate([labels for _, labels in records()])
    independent = np.moveaxis(planes.reshape(-1, 3, 32, 32), 1, -1)
    np.testing.assert_array_equal(decoded.images, independent)
    np.testing.assert_array_equal(decoded.labels, labels)
    assert decoded.labels.dtype == np.int64
    assert decoded.images[0, 17, 3].tolist() == [200, 20, 2], "red plane first"
    assert decoded.class_names == CLASS_NAMES
    assert dict(decoded.parts) == {"train": 5 * COUNT, "test": COUNT}


@pytest.mark.parametrize("form", [BINARY, PYTHON], ids=["binary", "python"])
def test_case_07_a_folder_of_small_batches_is_read_by_its_path(form: Form, tmp_path: Path) -> None:
    folder = write_folder(form, tmp_path / "any name")
    decoded = read_folder(folder)
    check(decoded)
    assert "could not be verified" in decoded.notes[0]
    assert "data_batch_3" in decoded.notes[0]


def test_case_07_records_equal_what_numpy_reads_from_the_file(tmp_path: Path) -> None:
    folder = write_folder(BINARY, tmp_path / "x")
    raw = np.fromfile(folder / "data_batch_2.bin", dtype=np.uint8).reshape(-1, 3073)
    decoded = read_folder(folder)
    for channel in range(3):
        plane = raw[:, 1 + 1024 * channel : 1 + 1024 * (channel + 1)].reshape(-1, 32, 32)
        np.testing.assert_array_equal(decoded.images[COUNT : 2 * COUNT, ..., channel], plane)


@pytest.mark.parametrize("protocol", range(6))
def test_case_04_batches_of_every_protocol_load(protocol: int, tmp_path: Path) -> None:
    check(read_folder(write_folder(PYTHON, tmp_path / "x", protocol)))


def test_case_04_labels_as_an_array_and_pixels_as_bytes_load(tmp_path: Path) -> None:
    folder = write_folder(PYTHON, tmp_path / "x")
    planes, labels = records()[1]
    batch = {b"data": planes.tobytes(), b"labels": labels.astype(np.int32)}
    (folder / "data_batch_2").write_bytes(pickle.dumps(batch))
    check(read_folder(folder))


def test_the_registered_source_insists_on_the_published_files() -> None:
    source = SOURCES.get("cifar10")
    assert source is CIFAR10
    assert isinstance(source, Cifar)
    assert source.counts == (50_000, 10_000)
    assert [form.archive.size_bytes for form in source.forms] == [170_052_171, 170_498_071]
    assert all(file.digest.startswith("md5:") for form in source.forms for file in form.batches)


@pytest.mark.parametrize("place", ["own", "own/folder itself", "downloads", "data", "keras"])
def test_a_folder_is_found_in_the_usual_places(
    small: tuple[Cifar, Path, Path], place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, folder, _ = small
    assert source.find() is None
    target = {
        "own": tmp_path / "own" / folder.name,
        "own/folder itself": tmp_path / "own" / "moved",
        "downloads": places.downloads() / folder.name,
        "data": Path("data") / folder.name,
        "keras": tmp_path / "keras" / "datasets" / f"{folder.name}-target" / folder.name,
    }[place]
    target.parent.mkdir(parents=True, exist_ok=True)
    folder.rename(target)
    if place == "own/folder itself":
        monkeypatch.setenv("CNNLAB_DATA", str(target))
    decoded = read_named(source)
    check(decoded)
    assert decoded.notes == ()


def test_an_archive_is_read_after_its_checksum(
    small: tuple[Cifar, Path, Path], tmp_path: Path
) -> None:
    source, _, archive = small
    archive.rename(tmp_path / "own" / archive.name)
    decoded = read_named(source)
    check(decoded)
    assert decoded.notes == ()


def test_identity_changes_with_the_files(small: tuple[Cifar, Path, Path], tmp_path: Path) -> None:
    source, folder, _ = small
    folder.rename(tmp_path / "own" / folder.name)
    before = source.find()
    os.utime(tmp_path / "own" / folder.name / source.forms[0].batches[3].name, (1, 1))
    after = source.find()
    assert isinstance(before, Found)
    assert isinstance(after, Found)
    assert before.identity != after.identity
    assert before.path == after.path


def cuts(path: Path) -> list[int]:
    size = path.stat().st_size
    # The text file of class names ends in an empty line, whose loss changes nothing.
    return [0, 1, size // 2, size - (3 if path.suffix == ".txt" else 1)]


def test_case_01_every_file_cut_anywhere_is_an_error(
    small: tuple[Cifar, Path, Path], tmp_path: Path
) -> None:
    source, folder, archive = small
    for whole in (folder, archive):
        whole.rename(tmp_path / "own" / whole.name)
        whole = tmp_path / "own" / whole.name
        for path in [whole] if whole.is_file() else sorted(whole.iterdir()):
            contents = path.read_bytes()
            for length in cuts(path):
                path.write_bytes(contents[:length])
                with pytest.raises(DataError) as caught:
                    read_named(source)
                assert path.name in str(caught.value) or whole.name in str(caught.value)
            path.write_bytes(contents)
        check(read_named(source))
        whole.rename(tmp_path / whole.name)


def test_case_02_one_flipped_bit_is_a_checksum_error(
    small: tuple[Cifar, Path, Path], tmp_path: Path
) -> None:
    source, folder, archive = small
    for whole in (folder, archive):
        whole.rename(tmp_path / "own" / whole.name)
        whole = tmp_path / "own" / whole.name
        files = [whole / file.name for file in source.forms[0].batches]
        for path in [whole] if whole.is_file() else files:
            contents = bytearray(path.read_bytes())
            for position in (0, len(contents) // 2, len(contents) - 1):
                contents[position] ^= 4
                path.write_bytes(contents)
                with pytest.raises(ChecksumError, match=path.name):
                    read_named(source)
                contents[position] ^= 4
            path.write_bytes(contents)
        whole.rename(tmp_path / whole.name)


def test_case_02_a_folder_given_by_its_path_is_checked_too(tmp_path: Path) -> None:
    """Five files are the published ones, so the sixth is a damaged one and not someone's own."""
    folder = write_folder(BINARY, tmp_path / BINARY.folder)
    archive = write_archive(folder, tmp_path / "a.tar.gz")
    source = replace(CIFAR10, forms=(publish(BINARY, folder, archive),))
    assert read_folder(folder, source).notes == ()
    path = folder / "data_batch_4.bin"
    contents = bytearray(path.read_bytes())
    contents[5000] ^= 1
    path.write_bytes(contents)
    with pytest.raises(ChecksumError, match="data_batch_4"):
        read_folder(folder, source)


def test_someones_own_batches_of_the_published_size_pass_by_path_but_not_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_folder(BINARY, tmp_path / "own" / BINARY.folder)
    archive = write_archive(folder, tmp_path / "a.tar.gz")
    other = publish(BINARY, folder, archive)
    wrong = tuple(replace(file, digest="md5:0") for file in other.batches)
    source = replace(CIFAR10, forms=(replace(other, batches=wrong),), counts=COUNTS)
    monkeypatch.setenv("CNNLAB_DATA", str(tmp_path / "own"))
    decoded = read_folder(folder, source)
    check(decoded)
    assert "could not be verified" in decoded.notes[0]
    with pytest.raises(ChecksumError, match="data_batch_1"):
        read_named(source)


def test_by_name_all_the_images_have_to_be_there(tmp_path: Path) -> None:
    folder = write_folder(PYTHON, tmp_path / "x")
    found = CIFAR10.recognise(folder)
    assert found is not None
    with pytest.raises(DataError, match="100 train and 20 test images"):
        CIFAR10.read(found, ReadOptions(), allocate)


def test_case_03_a_command_in_a_batch_is_not_run(tmp_path: Path) -> None:
    marker = tmp_path / "ran"

    class Command:
        def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
            return os.system, (f"touch '{marker}'",)

    folder = write_folder(PYTHON, tmp_path / "x")
    for name in ("data_batch_2", "test_batch", "batches.meta"):
        contents = (folder / name).read_bytes()
        (folder / name).write_bytes(pickle.dumps({"data": Command(), "labels": []}))
        with pytest.raises(DataError, match=rf"{name}.*posix\.system"):
            read_folder(folder)
        (folder / name).write_bytes(contents)
    assert not marker.exists()


def corrupt(folder: Path, change: Callable[[dict[str, object]], object]) -> None:
    path = folder / "data_batch_3"
    batch = pickle.loads(path.read_bytes())
    change(batch)
    path.write_bytes(pickle.dumps(batch))


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda b: b["labels"].pop(), "19 labels for 20 images"),
        (lambda b: b["labels"].__setitem__(7, 10), "label 10 at index 7; expected 0 to 9"),
        (lambda b: b["labels"].__setitem__(7, -1), "label -1 at index 7"),
        (lambda b: b["labels"].__setitem__(7, 2**60), f"label {2**60} at index 7"),
        (lambda b: b["labels"].__setitem__(7, "cat"), "label str at index 7"),
        (lambda b: b["labels"].__setitem__(7, True), "label bool at index 7"),
        (lambda b: b.update(labels=np.arange(20)), "label 10 at index 10"),
        (lambda b: b.update(labels=np.zeros((20, 1), int)), "no list 'labels'"),
        (lambda b: b.pop("labels"), "no list 'labels'"),
        (lambda b: b.pop("data"), "no array 'data'"),
        (lambda b: b.update(data=b["data"][:, :-1].copy()), r"uint8 \[20, 3071\]"),
        (lambda b: b.update(data=b["data"].astype(np.int32)), r"int32 \[20, 3072\]"),
        (lambda b: b.update(data=b["data"][:0], labels=[]), r"uint8 \[0, 3072\]"),
        (lambda b: b.update(data=b["data"].tobytes()[:-1]), "no array 'data'"),
    ],
)
def test_case_05_a_broken_batch_is_named(
    change: Callable[[dict[str, object]], object], complaint: str, tmp_path: Path
) -> None:
    folder = write_folder(PYTHON, tmp_path / "x")
    corrupt(folder, change)
    with pytest.raises(DataError, match=complaint) as caught:
        read_folder(folder)
    assert "data_batch_3" in str(caught.value)


def test_case_05_a_label_out_of_range_in_a_record_is_named(tmp_path: Path) -> None:
    folder = write_folder(BINARY, tmp_path / "x")
    path = folder / "test_batch.bin"
    contents = bytearray(path.read_bytes())
    contents[3073 * 6] = 10
    path.write_bytes(contents)
    with pytest.raises(DataError, match=r"test_batch\.bin: label 10 at index 6"):
        read_folder(folder)


@pytest.mark.parametrize("form", [BINARY, PYTHON], ids=["binary", "python"])
def test_a_missing_batch_and_other_classes_are_named(form: Form, tmp_path: Path) -> None:
    folder = write_folder(form, tmp_path / "x")
    batch = folder / form.batches[2].name
    contents = batch.read_bytes()
    batch.unlink()
    with pytest.raises(DataError, match=f"{batch.name}: no such file"):
        read_folder(folder)
    batch.write_bytes(contents)
    names = ["apple", *CLASS_NAMES[1:]]
    meta = folder / meta_of(form)
    if form is PYTHON:
        meta.write_bytes(pickle.dumps({"label_names": names}))
    else:
        meta.write_text("\n".join(names))
    with pytest.raises(DataError, match=rf"{meta.name}: the classes are apple, automobile"):
        read_folder(folder)
    meta.unlink()
    check(read_folder(folder))


def test_an_archive_without_a_batch_is_an_error(tmp_path: Path) -> None:
    folder = write_folder(BINARY, tmp_path / BINARY.folder)
    files = publish(BINARY, folder, write_archive(folder, tmp_path / "whole.tar.gz"))
    (folder / "data_batch_5.bin").unlink()
    archive = write_archive(folder, tmp_path / BINARY.archive.name)
    form = replace(files, archive=published(archive, "sha256"))
    with pytest.raises(DataError, match=r"no cifar-10-batches-bin/data_batch_5\.bin"):
        replace(CIFAR10, forms=(form,)).read(Found(archive, {}), ReadOptions(), allocate)


def test_links_and_strangers_in_an_archive_are_not_read(tmp_path: Path) -> None:
    folder = write_folder(BINARY, tmp_path / BINARY.folder)
    files = publish(BINARY, folder, write_archive(folder, tmp_path / "whole.tar.gz"))
    archive = tmp_path / BINARY.archive.name
    with tarfile.open(archive, "w:gz") as tar:
        for file in BINARY.batches:
            link = tarfile.TarInfo(f"{BINARY.folder}/{file.name}")
            link.type, link.linkname = tarfile.SYMTYPE, str(folder / file.name)
            tar.addfile(link)
        stranger = tarfile.TarInfo("../data_batch_1.bin")
        stranger.size = 5
        tar.addfile(stranger, io.BytesIO(b"hello"))
    form = replace(files, archive=published(archive, "sha256"))
    with pytest.raises(DataError, match="the archive has no"):
        replace(CIFAR10, forms=(form,)).read(Found(archive, {}), ReadOptions(), allocate)
    assert not (tmp_path.parent / "data_batch_1.bin").exists()


def test_what_verifies_but_is_no_archive_is_an_error(tmp_path: Path) -> None:
    archive = tmp_path / BINARY.archive.name
    archive.write_bytes(b"no archive at all")
    form = replace(BINARY, archive=published(archive, "sha256"))
    with pytest.raises(DataError, match="the archive cannot be read"):
        replace(CIFAR10, forms=(form,)).read(Found(archive, {}), ReadOptions(), allocate)


def test_only_cifar_is_recognised(tmp_path: Path) -> None:
    (tmp_path / "cat").mkdir()
    (tmp_path / "a.txt").write_text("a")
    assert CIFAR10.recognise(tmp_path) is None
    assert CIFAR10.recognise(tmp_path / "a.txt") is None
    assert CIFAR10.recognise(tmp_path / "absent") is None
    archive = tmp_path / "cifar-10-binary.tar.gz"
    archive.write_bytes(b"cut")
    found = CIFAR10.recognise(archive)
    assert found is not None
    with pytest.raises(ChecksumError, match="3 bytes; expected 170,052,171"):
        CIFAR10.read_path(found, ReadOptions(), allocate)


def test_a_folder_around_the_batches_is_recognised(tmp_path: Path) -> None:
    inner = write_folder(PYTHON, tmp_path / "root" / PYTHON.folder)
    found = CIFAR10.recognise(tmp_path / "root")
    assert found is not None
    assert found.path == inner
    check(CIFAR10.read_path(found, ReadOptions(), allocate))


def test_what_is_fetched_is_found_and_read(
    small: tuple[Cifar, Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    source, _, archive = small
    with serving(archive.parent, monkeypatch) as mirror:
        source.mirrors = (mirror,)
        found = source.fetch(lambda line: None, time_limit_seconds=30)
    assert found == source.find()
    assert found.path == places.downloads() / archive.name
    check(read_named(source))


def test_a_fetch_in_vain_prints_the_command_and_leaves_nothing(
    small: tuple[Cifar, Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, _, _ = small
    with serving(tmp_path / "own", monkeypatch) as mirror:
        source.mirrors = (mirror,)
        with pytest.raises(DownloadError, match=r"local server answers 404.*data fetch cifar10"):
            source.fetch(lambda line: None)
    assert source.find() is None
    assert list(places.downloads().iterdir()) == []
