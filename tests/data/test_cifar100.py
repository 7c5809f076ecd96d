"""CIFAR-100, against files that NumPy and the standard pickle module write."""

from __future__ import annotations

import hashlib
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cifar100_files import (
    COUNTS,
    META,
    WRITERS,
    check,
    options,
    parts,
    python2,
    read_folder,
    write_binary,
    write_python,
)

from cnnlab.config import make_config
from cnnlab.data import open_dataset
from cnnlab.data.cifar100 import BINARY, CIFAR100, COARSE, FINE, PYTHON
from cnnlab.data.cifar_forms import Form
from cnnlab.errors import ConfigError, DataError, UnknownNameError


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
