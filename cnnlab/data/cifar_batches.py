"""The batches that CIFAR-10 comes in: records of bytes, or pickled dictionaries."""

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
    "CLASS_NAMES",
    "Batch",
    "check_class_names",
    "images_of",
    "parse_binary",
    "parse_pickled",
]

CLASS_NAMES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)

_SIDE, _CHANNELS = 32, 3
_PIXEL_BYTES = _CHANNELS * _SIDE * _SIDE
_RECORD_BYTES = 1 + _PIXEL_BYTES


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


def parse_binary(contents: bytes, where: object) -> Batch:
    """Read records of 3,073 bytes: a label, then the three planes."""
    if not contents or len(contents) % _RECORD_BYTES:
        raise DataError(
            f"the file has {len(contents):,} bytes",
            where=where,
            expected=f"whole records of {_RECORD_BYTES:,} bytes",
            todo="it is cut off or no CIFAR-10 batch: get it again",
        )
    records = np.frombuffer(contents, dtype=np.uint8).reshape(-1, _RECORD_BYTES)
    labels = records[:, 0].astype(np.int64)
    check_labels(labels, len(CLASS_NAMES), where)
    return Batch(records[:, 1:], labels)


def parse_pickled(contents: bytes, where: object) -> Batch:
    """Read a pickled dictionary with ``data`` (uint8 ``[N, 3072]``) and ``labels`` (N numbers)."""
    values = read_pickle(contents, where)
    planes, labels = _planes(values.get("data"), where), _labels(values.get("labels"), where)
    if len(labels) != len(planes):
        raise DataError(f"{len(labels):,} labels for {len(planes):,} images", where=where)
    check_labels(labels, len(CLASS_NAMES), where)
    return Batch(planes, labels)


def check_class_names(names: object, where: object) -> None:
    """Raise :class:`DataError` unless ``names`` (text or bytes) are CIFAR-10's, in its order."""
    listed = names if isinstance(names, list) else []
    told = [name.decode("latin-1") if isinstance(name, bytes) else name for name in listed[:100]]
    if told != list(CLASS_NAMES):
        shown = ", ".join(name[:20] for name in told if isinstance(name, str)) or "nothing"
        raise DataError(
            f"the classes are {shown}", where=where, expected=f"{', '.join(CLASS_NAMES)}"
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


def _labels(labels: object, where: object) -> NDArray[np.int64]:
    if isinstance(labels, np.ndarray) and labels.ndim == 1:
        return labels.astype(np.int64)
    if not isinstance(labels, list):
        raise DataError("the batch has no list 'labels'", where=where, expected="N numbers")
    for index, label in enumerate(labels):
        if type(label) is not int or not 0 <= label < len(CLASS_NAMES):
            told = label if type(label) is int else type(label).__name__
            raise DataError(
                f"label {told} at index {index}",
                where=where,
                expected=f"0 to {len(CLASS_NAMES) - 1}",
            )
    return np.array(labels, dtype=np.int64)
