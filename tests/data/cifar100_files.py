"""CIFAR-100's files in miniature, and what is read of them."""

from __future__ import annotations

import io
import pickle
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from cnnlab.data import ReadOptions
from cnnlab.data.cifar import Cifar
from cnnlab.data.cifar100 import BINARY, CIFAR100, COARSE, FINE, PYTHON
from cnnlab.data.source import Decoded

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
