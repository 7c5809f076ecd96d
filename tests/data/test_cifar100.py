"""CIFAR-100, against files that NumPy and the standard pickle module write."""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import struct
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from local_server import serving
from numpy.typing import NDArray

from cnnlab.config import make_config
from cnnlab.data import SOURCES, ReadOptions, open_dataset, places
from cnnlab.data.cifar import Cifar
from cnnlab.data.cifar100 import BINARY, CIFAR100, COARSE, FINE, PYTHON
from cnnlab.data.cifar_forms import Form
from cnnlab.data.download import RemoteFile
from cnnlab.data.source import Decoded, Found
from cnnlab.errors import ChecksumError, ConfigError, DataError, UnknownNameError

COUNTS = (60, 30)


class Python2Pickler(pickle._Pickler):  # type: ignore[name-defined]  # the one in Python
    """Writes text and bytes as Python 2's ``str``, as the published files have them."""

    dispatch: ClassVar[dict[type, Callable[..., None]]] = dict(pickle._Pickler.dispatch)  # type: ignore[attr-defined]

    def save_text(self, value: str | bytes) -> None:
        raw = value.encode("latin-1") if isinstance(value, str) else value
        short = len(raw) < 256
        length = bytes([len(raw)]) if short else struct.pack("<i", len(raw))
        self.write((b"U" if short else b"T") + length + raw)
        self.memoize(value)

    dispatch[str] = dispatch[bytes] = save_text


def python2(value: object) -> bytes:
    stream = io.BytesIO()
    Python2Pickler(stream, 2).dump(value)
    return stream.getvalue()


def parts() -> list[dict[str, Any]]:
    """Train and test: planes, and both labels of every image; the first image of all is red."""
    rng = np.random.default_rng(12)
    made = []
    for name, count in zip(("train", "test"), COUNTS, strict=True):
        planes = rng.integers(0, 256, (count, 3072), dtype=np.uint8)
        planes[0] = np.repeat(np.array([200, 20, 2], dtype=np.uint8), 1024)
        made.append(
            {
                "filenames": [f"{name}_{number}.png" for number in range(count)],
                "batch_label": f"{name}ing batch 1 of 1",
                "fine_labels": rng.integers(0, 100, count).tolist(),
                "coarse_labels": rng.integers(0, 20, count).tolist(),
                "data": planes,
            }
        )
    return made


META = {
    "fine_label_names": list(FINE.class_names),
    "coarse_label_names": list(COARSE.class_names),
}


def write_python(folder: Path, dump: Callable[[object], bytes] = python2) -> Path:
    folder.mkdir(parents=True)
    for name, batch in zip(("train", "test"), parts(), strict=True):
        (folder / name).write_bytes(dump(batch))
    (folder / "meta").write_bytes(dump(META))
    return folder


def write_binary(folder: Path) -> Path:
    folder.mkdir(parents=True)
    for name, batch in zip(("train.bin", "test.bin"), parts(), strict=True):
        labels = np.stack([batch["coarse_labels"], batch["fine_labels"]], axis=1).astype(np.uint8)
        np.hstack([labels, batch["data"]]).tofile(folder / name)
    for kind in ("fine", "coarse"):
        (folder / f"{kind}_label_names.txt").write_text("\n".join(META[f"{kind}_label_names"]))
    return folder


WRITERS = {"binary": (BINARY, write_binary), "python": (PYTHON, write_python)}


def allocate(shape: tuple[int, int, int, int]) -> NDArray[np.uint8]:
    return np.empty(shape, dtype=np.uint8)


def options(labels: str) -> ReadOptions:
    return ReadOptions(own={"labels": labels})


def read_folder(path: Path, labels: str = "fine", source: Cifar = CIFAR100) -> Decoded:
    found = source.recognise(path)
    assert found is not None
    return source.read_path(found, options(labels), allocate)


def check(decoded: Decoded, labels: str = "fine") -> None:
    train, test = parts()
    planes = np.concatenate([train["data"], test["data"]])
    independent = np.moveaxis(planes.reshape(-1, 3, 32, 32), 1, -1)
    np.testing.assert_array_equal(decoded.images, independent)
    key = f"{labels}_labels"
    np.testing.assert_array_equal(decoded.labels, train[key] + test[key])
    assert decoded.labels.dtype == np.int64
    assert decoded.images[0, 17, 3].tolist() == [200, 20, 2], "red plane first"
    assert list(decoded.class_names) == META[f"{labels}_label_names"]
    assert dict(decoded.parts) == {"train": COUNTS[0], "test": COUNTS[1]}


def test_the_class_names_are_those_of_the_published_file() -> None:
    """Python 2's cPickle, which numbers what it remembers from 1, wrote 1,473 bytes of them."""
    remembered = 1

    def text(value: str) -> bytes:
        nonlocal remembered
        remembered += 1
        return b"U" + bytes([len(value)]) + value.encode() + b"q" + bytes([remembered])

    pickled = b"\x80\x02}q\x01("
    for key, names in META.items():
        pickled += text(key) + b"]"
        remembered += 1
        pickled += b"q" + bytes([remembered]) + b"(" + b"".join(map(text, names)) + b"e"
    pickled += b"u."
    published = PYTHON.names[FINE.key]
    assert len(pickled) == published.size_bytes
    assert f"md5:{hashlib.md5(pickled).hexdigest()}" == published.digest
    assert pickle.loads(pickled) == META


def test_the_registered_source_insists_on_the_published_files() -> None:
    source = SOURCES.get("cifar100")
    assert isinstance(source, Cifar)
    assert source.counts == (50_000, 10_000)
    assert [form.archive.size_bytes for form in source.forms] == [168_513_733, 169_001_437]
    records = {file.name: file.size_bytes for file in BINARY.batches}
    assert records == {"train.bin": 50_000 * 3074, "test.bin": 10_000 * 3074}


@pytest.mark.parametrize("labels", ["fine", "coarse"])
@pytest.mark.parametrize("kind", WRITERS)
def test_case_07_both_labels_are_read_from_a_folder(kind: str, labels: str, tmp_path: Path) -> None:
    decoded = read_folder(WRITERS[kind][1](tmp_path / "any name"), labels)
    check(decoded, labels)
    assert "could not be verified" in decoded.notes[0]


def test_case_07_records_equal_what_numpy_reads_from_the_file(tmp_path: Path) -> None:
    folder = write_binary(tmp_path / "x")
    raw = np.fromfile(folder / "test.bin", dtype=np.uint8).reshape(-1, 3074)
    decoded = read_folder(folder, "coarse")
    np.testing.assert_array_equal(decoded.labels[COUNTS[0] :], raw[:, 0])
    np.testing.assert_array_equal(read_folder(folder).labels[COUNTS[0] :], raw[:, 1])
    for channel in range(3):
        plane = raw[:, 2 + 1024 * channel : 2 + 1024 * (channel + 1)].reshape(-1, 32, 32)
        np.testing.assert_array_equal(decoded.images[COUNTS[0] :, ..., channel], plane)


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("encoding", ["latin1", "bytes"])
def test_case_04_what_python_3_made_of_the_published_pickles_loads(
    protocol: int, encoding: str, tmp_path: Path
) -> None:
    """Read as people read them, with text or bytes as keys and names, and written again."""

    def dump(value: object) -> bytes:
        return pickle.dumps(pickle.loads(python2(value), encoding=encoding), protocol)

    check(read_folder(write_python(tmp_path / "x", dump), "coarse"), "coarse")


def test_labels_as_arrays_load_and_only_the_chosen_ones_are_needed(tmp_path: Path) -> None:
    folder = write_python(tmp_path / "x")
    for name, batch in zip(("train", "test"), parts(), strict=True):
        batch["fine_labels"] = np.array(batch["fine_labels"])
        del batch["coarse_labels"]
        (folder / name).write_bytes(pickle.dumps(batch))
    check(read_folder(folder))
    with pytest.raises(DataError, match=r"train: the batch has no list 'coarse_labels'"):
        read_folder(folder, "coarse")


@pytest.mark.parametrize("kind", WRITERS)
def test_a_folder_is_opened_by_its_path_and_labels_are_an_option(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CNNLAB_HOME", str(tmp_path / "home"))
    form, write = WRITERS[kind]
    inner = write(tmp_path / "root" / form.folder)
    for path in (inner, tmp_path / "root"):
        fine = open_dataset(str(path))
        coarse = open_dataset(str(path), options=options("coarse"))
        assert (len(fine.class_names), len(coarse.class_names)) == (100, 20)
        assert fine.fingerprint != coarse.fingerprint
        np.testing.assert_array_equal(fine.images, coarse.images)
    with pytest.raises(ConfigError, match="labels: the value is 'finest'; expected one of fine, c"):
        open_dataset(str(inner), options=options("finest"))


def test_labels_are_a_setting_of_this_dataset_alone() -> None:
    data = make_config([{"data": {"source": "cifar100"}}]).to_dict()["data"]
    assert data["labels"] == "fine"
    chosen = make_config([{"data": {"source": "cifar100", "labels": "coarse"}}])
    assert chosen.data.read_options().own == {"labels": "coarse"}
    with pytest.raises(UnknownNameError, match="cifar10 has no option 'labels'"):
        make_config([{"data": {"source": "cifar10", "labels": "coarse"}}])


def test_a_class_folder_with_such_names_is_no_cifar(tmp_path: Path) -> None:
    for part in ("train", "test"):
        (tmp_path / part / "cat").mkdir(parents=True)
    assert CIFAR100.recognise(tmp_path) is None
    (tmp_path / "test.bin").write_bytes(b"something else")
    assert CIFAR100.recognise(tmp_path) is None


def published(path: Path) -> RemoteFile:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return RemoteFile(path.name, path.stat().st_size, f"sha256:{digest}")


def write_archive(folder: Path, path: Path) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        archive.add(folder, arcname=folder.name)
    return path


@pytest.fixture(params=list(WRITERS))
def small(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Cifar, Path, Path]:
    """A source whose published files are small ones; the folder and the archive lie apart."""
    form, write = WRITERS[request.param]
    folder = write(tmp_path / "written" / form.folder)
    archive = write_archive(folder, tmp_path / "written" / form.archive.name)
    (tmp_path / "own").mkdir()
    monkeypatch.chdir(tmp_path / "own")
    monkeypatch.setenv("CNNLAB_DATA", str(tmp_path / "own"))
    monkeypatch.setenv("CNNLAB_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    small_form = replace(
        form,
        archive=published(archive),
        batches=tuple(published(folder / file.name) for file in form.batches),
        names={key: published(folder / file.name) for key, file in form.names.items()},
    )
    return replace(CIFAR100, forms=(small_form,), counts=COUNTS), folder, archive


def read_named(source: Cifar, labels: str = "fine") -> Decoded:
    found = source.find()
    assert found is not None
    return source.read(found, options(labels), allocate)


def check_both(source: Cifar) -> None:
    for labels in ("fine", "coarse"):
        decoded = read_named(source, labels)
        check(decoded, labels)
        assert decoded.notes == ()


def test_archive_and_folder_are_found_by_name_and_verified(
    small: tuple[Cifar, Path, Path], tmp_path: Path
) -> None:
    source, folder, archive = small
    assert source.find() is None
    keras = tmp_path / "keras" / "datasets" / f"{folder.name}-target" / folder.name
    for whole, place in (
        (archive, tmp_path / "own" / archive.name),
        (folder, tmp_path / "own" / folder.name),
        (tmp_path / "own" / folder.name, keras),
    ):
        place.parent.mkdir(parents=True, exist_ok=True)
        whole.rename(place)
        check_both(source)
        if place.is_file():
            place.unlink()


def test_case_01_and_02_a_cut_file_and_a_flipped_bit_are_errors(
    small: tuple[Cifar, Path, Path], tmp_path: Path
) -> None:
    source, folder, archive = small
    for whole in (folder, archive):
        place = whole.rename(tmp_path / "own" / whole.name)
        for path in [place] if place.is_file() else sorted(place.iterdir()):
            contents = path.read_bytes()
            for length in (0, 1, len(contents) // 2, len(contents) - 1):
                path.write_bytes(contents[:length])
                with pytest.raises(DataError, match=f"{path.name}|{place.name}"):
                    check_both(source)
            for position in (0, len(contents) // 2, len(contents) - 1):
                flipped = bytearray(contents)
                flipped[position] ^= 4
                path.write_bytes(flipped)
                with pytest.raises(ChecksumError, match=path.name):
                    check_both(source)
            path.write_bytes(contents)
        check_both(source)
        place.rename(tmp_path / place.name)


@pytest.mark.parametrize("small", ["binary"], indirect=True)
def test_case_01_a_file_cut_between_records_is_an_error_by_path_too(
    small: tuple[Cifar, Path, Path],
) -> None:
    source, folder, _ = small
    assert read_folder(folder, "fine", source).notes == ()
    (folder / "test.bin").write_bytes((folder / "test.bin").read_bytes()[: 10 * 3074])
    with pytest.raises(ChecksumError, match=r"test\.bin: the file has 30,740 bytes; expected"):
        read_folder(folder, "fine", source)


def test_case_03_a_command_in_a_batch_is_not_run(tmp_path: Path) -> None:
    marker = tmp_path / "ran"

    class Command:
        def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
            return os.system, (f"touch '{marker}'",)

    folder = write_python(tmp_path / "x")
    for name in ("train", "test", "meta"):
        contents = (folder / name).read_bytes()
        for trap in ({"data": Command()}, {"fine_labels": Command()}, Command()):
            (folder / name).write_bytes(pickle.dumps(trap))
            with pytest.raises(DataError, match=rf"{name}.*posix\.system"):
                read_folder(folder)
        (folder / name).write_bytes(contents)
    assert not marker.exists()


@pytest.mark.parametrize(
    ("labels", "change", "complaint"),
    [
        ("fine", lambda b: b["fine_labels"].pop(), "29 labels for 30 images"),
        ("fine", lambda b: b["fine_labels"].__setitem__(7, 100), "label 100 at index 7"),
        ("coarse", lambda b: b["coarse_labels"].__setitem__(7, 20), "7; expected 0 to 19"),
        ("coarse", lambda b: b["coarse_labels"].__setitem__(7, -1), "label -1 at index 7"),
        ("coarse", lambda b: b.pop("coarse_labels"), "no list 'coarse_labels'"),
        ("fine", lambda b: b.update(data=b["data"][:, :-1].copy()), r"uint8 \[30, 3071\]"),
    ],
)  # fmt: skip
def test_case_05_a_broken_batch_is_named(
    labels: str, change: Callable[[dict[str, Any]], object], complaint: str, tmp_path: Path
) -> None:
    folder = write_python(tmp_path / "x")
    batch = parts()[1]
    change(batch)
    (folder / "test").write_bytes(python2(batch))
    with pytest.raises(DataError, match=f"test: .*{complaint}"):
        read_folder(folder, labels)


@pytest.mark.parametrize(("labels", "byte", "value"), [("coarse", 0, 20), ("fine", 1, 100)])
def test_case_05_a_label_out_of_range_in_a_record_is_named(
    labels: str, byte: int, value: int, tmp_path: Path
) -> None:
    folder = write_binary(tmp_path / "x")
    contents = bytearray((folder / "train.bin").read_bytes())
    contents[3074 * 6 + byte] = value
    (folder / "train.bin").write_bytes(contents)
    with pytest.raises(DataError, match=rf"train\.bin: label {value} at index 6"):
        read_folder(folder, labels)


def test_records_of_cifar_10s_length_are_refused(tmp_path: Path) -> None:
    folder = write_binary(tmp_path / "x")
    (folder / "test.bin").write_bytes(bytes(3073 * 5))
    with pytest.raises(DataError, match=r"15,365 bytes; expected whole records of 3,074 bytes"):
        read_folder(folder)


@pytest.mark.parametrize("form", [BINARY, PYTHON], ids=list(WRITERS))
def test_other_classes_and_a_missing_batch_are_named(form: Form, tmp_path: Path) -> None:
    folder = {BINARY.folder: write_binary, PYTHON.folder: write_python}[form.folder](tmp_path / "x")
    listed = folder / form.names[COARSE.key].name
    contents = listed.read_bytes()
    if form is PYTHON:
        listed.write_bytes(python2({**META, "coarse_label_names": ["cars"]}))
    else:
        listed.write_text("cars")
    with pytest.raises(DataError, match="the classes are cars; expected aquatic_mammals, fish"):
        read_folder(folder, "coarse")
    check(read_folder(folder))
    listed.write_bytes(contents)
    (folder / form.batches[0].name).unlink()
    with pytest.raises(DataError, match=f"{form.batches[0].name}: no such file"):
        read_folder(folder)


def test_what_is_fetched_is_found_and_read(
    small: tuple[Cifar, Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    source, _, archive = small
    with serving(archive.parent, monkeypatch) as mirror:
        found = replace(source, mirrors=(mirror,)).fetch(lambda line: None, time_limit_seconds=30)
    assert found == source.find()
    assert isinstance(found, Found)
    assert found.path == places.downloads() / archive.name
    check(read_named(source, "coarse"), "coarse")
