"""CIFAR-10's files in miniature, and what is read of them."""

import hashlib
import pickle
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cnnlab.data.cifar import Cifar
from cnnlab.data.cifar10 import CIFAR10, CLASS_NAMES, PYTHON
from cnnlab.data.cifar_forms import Form
from cnnlab.data.download import RemoteFile
from cnnlab.data.source import Decoded, ReadOptions

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
