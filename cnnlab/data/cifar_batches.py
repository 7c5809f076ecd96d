"""The batches that CIFAR-10 and CIFAR-100 come in: records of bytes, or pickled dictionaries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cnnlab.data.pickles import read_pickle
from cnnlab.data.reading import check_labels
from cnnlab.data.source import Allocate
from cnnlab.errors import DataError

__all__ = [
    "Batch",
    "Labelling",
    "check_class_names",
    "images_of",
    "listed_names",
    "parse_pickled",
    "parse_records",
    "pickled_names",
]

_SIDE, _CHANNELS = 32, 3
_PIXEL_BYTES = _CHANNELS * _SIDE * _SIDE


@dataclass(frozen=True)
class Labelling:
    """One of the ways in which every image is labelled.

    Attributes
    ----------
    name: as the user chooses it; "" where there is no choice.
    class_names: in label order.
    byte: its place among the label bytes of a record.
    key: of the list of labels in a pickled batch.
    names_key: of the list of class names in the pickled file of names.
    """

    name: str
    class_names: tuple[str, ...]
    byte: int
    key: str
    names_key: str


@dataclass(frozen=True, eq=False)
class Batch:
    """Images as they are stored.

    Attributes
    ----------
    planes: uint8 ``[N, 3072]``: the red plane, the green and the blue, each in row order.
    labels: int64 ``[N]``.
    """

    planes: NDArray[np.uint8]
    labels: NDArray[np.int64]


def parse_records(
    contents: bytes, where: object, labelling: Labelling, *, label_bytes: int
) -> Batch:
    """Read records of bytes: the labels, one byte each, then the three planes."""
    record_bytes = label_bytes + _PIXEL_BYTES
    if not contents or len(contents) % record_bytes:
        raise DataError(
            f"the file has {len(contents):,} bytes",
            where=where,
            expected=f"whole records of {record_bytes:,} bytes",
            todo="it is cut off or no such batch: get it again",
        )
    records = np.frombuffer(contents, dtype=np.uint8).reshape(-1, record_bytes)
    labels = records[:, labelling.byte].astype(np.int64)
    check_labels(labels, len(labelling.class_names), where)
    return Batch(records[:, label_bytes:], labels)


def parse_pickled(contents: bytes, where: object, labelling: Labelling) -> Batch:
    """Read a pickled dictionary with ``data`` (uint8 ``[N, 3072]``) and a list of N labels."""
    values = read_pickle(contents, where)
    planes = _planes(values.get("data"), where)
    labels = _labels(values.get(labelling.key), where, labelling)
    if len(labels) != len(planes):
        raise DataError(f"{len(labels):,} labels for {len(planes):,} images", where=where)
    check_labels(labels, len(labelling.class_names), where)
    return Batch(planes, labels)


def listed_names(contents: bytes, where: object, labelling: Labelling) -> object:
    """Return the class names of a text file: one a line."""
    del where, labelling  # any text is a list of lines
    return contents.decode("latin-1").split()


def pickled_names(contents: bytes, where: object, labelling: Labelling) -> object:
    """Return what stands for the class names in a pickled dictionary."""
    return read_pickle(contents, where).get(labelling.names_key)


def check_class_names(names: object, where: object, labelling: Labelling) -> None:
    """Raise :class:`DataError` unless ``names`` (text or bytes) are the labelling's, in order."""
    listed = names if isinstance(names, list) else []
    told = [name.decode("latin-1") if isinstance(name, bytes) else name for name in listed[:200]]
    if told != list(labelling.class_names):
        shown = ", ".join(name[:20] for name in told if isinstance(name, str)) or "nothing"
        raise DataError(
            f"the classes are {shown}",
            where=where,
            expected=f"{', '.join(labelling.class_names)}",
        )


def images_of(batches: Sequence[Batch], allocate: Allocate) -> NDArray[np.uint8]:
    """Join batches, in their order, into uint8 ``[N, 32, 32, 3]``."""
    images = allocate((sum(len(batch.labels) for batch in batches), _SIDE, _SIDE, _CHANNELS))
    start = 0
    for batch in batches:
        end = start + len(batch.labels)
        planes = batch.planes.reshape(-1, _CHANNELS, _SIDE, _SIDE)
        images[start:end] = planes.transpose(0, 2, 3, 1)
        start = end
    return images


def _planes(data: object, where: object) -> NDArray[np.uint8]:
    if isinstance(data, bytes) and len(data) % _PIXEL_BYTES == 0:
        data = np.frombuffer(data, dtype=np.uint8).reshape(-1, _PIXEL_BYTES)
    if not isinstance(data, np.ndarray):
        raise DataError("the batch has no array 'data'", where=where, expected="uint8 [N, 3072]")
    if data.dtype != np.uint8 or data.shape[1:] != (_PIXEL_BYTES,) or not len(data):
        raise DataError(
            f"'data' is {data.dtype} {list(data.shape)}", where=where, expected="uint8 [N, 3072]"
        )
    return data


def _labels(labels: object, where: object, labelling: Labelling) -> NDArray[np.int64]:
    if isinstance(labels, np.ndarray) and labels.ndim == 1:
        return labels.astype(np.int64)
    if not isinstance(labels, list):
        raise DataError(
            f"the batch has no list '{labelling.key}'", where=where, expected="N numbers"
        )
    for index, label in enumerate(labels):
        if type(label) is not int or not 0 <= label < len(labelling.class_names):
            told = label if type(label) is int else type(label).__name__
            raise DataError(
                f"label {told} at index {index}",
                where=where,
                expected=f"0 to {len(labelling.class_names) - 1}",
            )
    return np.array(labels, dtype=np.int64)
