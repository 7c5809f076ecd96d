"""HDF5 under suspicion: arrays by their path, and nothing that leads out of the file.

HDF5 can link to other files, spread an array over them, and declare terabytes that are filled in
when they are read. A file of Keras's does none of that, so all of it is refused; and an array is
read only once its shape is the expected one and its bytes are known to be there.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from cnnlab.errors import DataError

if TYPE_CHECKING:
    import h5py

__all__ = ["Hdf5"]

#: What is no HDF5 trips the library, and its conversion of types and names, each in its own way.
_TROUBLE = (
    OSError,
    LookupError,
    RuntimeError,
    ValueError,
    TypeError,
    AttributeError,
    OverflowError,
    MemoryError,
)
#: Texts of a list: names of layers and of their weights.
_MOST_TEXTS, _LONGEST_TEXT = 10_000, 1024


class Hdf5:
    """A file in memory, open for reading; a context manager.

    ``where`` is what errors call it. Every method raises :class:`DataError`.
    """

    def __init__(self, content: bytes, where: str) -> None:
        import h5py

        self.where = where
        self._bytes = len(content)
        self._h5py = h5py
        with self._errors():
            self._file: h5py.File = h5py.File(io.BytesIO(content), "r")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def text(self, name: str, limit: int) -> str | None:
        """An attribute of the whole file that is a text; None where there is none."""
        with self._errors(name):
            value = self._file.attrs.get(name)
            if value is None:
                return None
            text = value.decode() if isinstance(value, bytes) else value
        if not isinstance(text, str) or len(text) > limit:
            raise self._refused("is no text, or too long a one", name)
        return text

    def texts(self, path: Sequence[str], name: str) -> list[str] | None:
        """A list of texts, an attribute of a group; Keras divides long ones (``name0``, ...)."""
        group = self._group(path)
        if group is None:
            return None
        with self._errors(name):
            if name in group.attrs:
                return self._list(group.attrs[name])
            found: list[str] = []
            number = 0
            while f"{name}{number}" in group.attrs:
                found += self._list(group.attrs[f"{name}{number}"])
                number += 1
        return found if number else None

    def count(self, path: Sequence[str]) -> int:
        """How many entries a group has; none where there is no such group."""
        group = self._group(path)
        with self._errors("/".join(path)):
            return 0 if group is None else len(group)

    def array(self, path: Sequence[str], shape: tuple[int, ...]) -> NDArray[np.float32]:
        """Read an array that has to be of a known shape, as float32."""
        name = "/".join(path)
        group = self._group(path[:-1])
        with self._errors(name):
            dataset = None if group is None else self._entry(group, path[-1], name)
            if not isinstance(dataset, self._h5py.Dataset):
                raise self._refused("is missing", name)
            self._check(dataset, shape, name)
            values = np.asarray(dataset[()])
            with np.errstate(over="ignore"):
                found = values.astype(np.float32)
        if not np.isfinite(found).all():
            raise self._refused("holds what is no finite number", name)
        return found

    def _list(self, values: Any) -> list[str]:
        found = [
            item.decode() if isinstance(item, bytes) else str(item)
            for item in np.asarray(values).ravel()[: _MOST_TEXTS + 1]
        ]
        if len(found) > _MOST_TEXTS or any(len(text) > _LONGEST_TEXT for text in found):
            raise ValueError("too many names, or too long ones")
        return found

    def _group(self, path: Sequence[str]) -> Any:
        """Follow hard links from the root; None where one is missing."""
        name = "/".join(path)
        with self._errors(name):
            current: Any = self._file
            for part in path:
                current = self._entry(current, part, name)
                if current is None:
                    return None
                if not isinstance(current, self._h5py.Group):
                    raise self._refused("is no group", name)
            return current

    def _entry(self, group: Any, part: str, name: str) -> Any:
        """What is called so in a group, unless a link leads there."""
        if part in ("", ".", "..") or "/" in part:
            raise self._refused("is no plain path", name)
        # By the lower level: the upper one may look whether a link leads somewhere.
        links, key = group.id.links, part.encode()
        if not links.exists(key):
            return None
        if links.get_info(key).type != self._h5py.h5l.TYPE_HARD:
            raise self._refused("is a link, which is not followed", name, "an array in the file")
        return group[part]

    def _check(self, dataset: Any, shape: tuple[int, ...], name: str) -> None:
        """Shape, type and place of an array, before any memory is asked for."""
        if dataset.shape != shape:
            raise self._refused(
                f"has the shape {list(dataset.shape or ())}", name, str(list(shape))
            )
        if dataset.dtype.kind != "f" or dataset.dtype.itemsize not in (2, 4, 8):
            raise self._refused(f"is of type {dataset.dtype}", name, "float16, float32 or float64")
        plan = dataset.id.get_create_plist()
        layouts = (self._h5py.h5d.CONTIGUOUS, self._h5py.h5d.COMPACT)
        if dataset.external or dataset.is_virtual:
            raise self._refused("lies in other files, which are not opened", name)
        if plan.get_nfilters() or plan.get_layout() not in layouts:
            raise self._refused(
                "is compressed or stored in chunks", name, "plain arrays, as Keras writes them"
            )
        size = math.prod(shape) * dataset.dtype.itemsize
        if size > self._bytes or dataset.id.get_storage_size() != size:
            raise self._refused("declares more than the file holds", name)

    def _refused(self, what: str, name: str, expected: str | None = None) -> DataError:
        return DataError(f"'{name}' {what}", where=self.where, expected=expected)

    @contextmanager
    def _errors(self, name: str = "") -> Iterator[None]:
        """Turn what the library raises on a broken file into one line."""
        try:
            yield
        except _TROUBLE as error:
            reason = " ".join(str(error).split())[:200] or type(error).__name__
            raise DataError(
                f"the weights are damaged or cut off: {reason}",
                where=f"{self.where}: '{name}'" if name else self.where,
                todo="copy or save it again",
            ) from error
