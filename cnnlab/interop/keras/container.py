"""A Keras file -> what it says and where its weights are; nothing in it is unpickled or run.

A ``.keras`` file is a zip of ``config.json``, ``metadata.json`` and ``model.weights.h5``. A legacy
``.h5`` file is HDF5, with the same configuration as an attribute.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cnnlab.data.archive import archive_errors
from cnnlab.data.tree import input_errors, shown
from cnnlab.data.zip_tree import ZIP_TROUBLE, zip_members
from cnnlab.errors import DataError
from cnnlab.files import sha256_of_file
from cnnlab.interop.keras.hdf5 import Hdf5
from cnnlab.interop.keras.stores import LegacyStore, Store, ZipStore
from cnnlab.tables import bytes_text

__all__ = ["KerasFile", "open_keras"]

CONFIG, METADATA, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
#: The most that is read of each: a network of a thousand layers takes a megabyte to describe.
_LIMITS = {CONFIG: 8 << 20, METADATA: 1 << 20, WEIGHTS: 8 << 30}
_MOST_MEMBERS = 1000
#: Brackets in brackets: a model in a model in a model has some twenty.
_DEEPEST = 200
_HDF5 = b"\x89HDF\r\n\x1a\n"
_ZIP = b"PK\x03\x04"


@dataclass(frozen=True)
class KerasFile:
    """A file that is open.

    Attributes
    ----------
    path: where it is.
    content: the model's configuration, unchecked.
    store: its weights.
    version: of the Keras that wrote it, if it says so.
    facts: what cnnlab noted in it when it wrote it itself, unchecked; else nothing.
    sha256: of the file.
    """

    path: Path
    content: Any
    store: Store
    version: str | None
    sha256: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@contextmanager
def open_keras(path: Path, weights: Path | None = None) -> Iterator[KerasFile]:
    """Open a ``.keras`` file, or a legacy ``.h5`` file of a whole model.

    ``weights``: a ``.weights.h5`` file that ``save_weights`` wrote; they take the place of the
    file's own.

    Raises :class:`DataError` for what is neither, is cut off or damaged, or expands like a bomb.
    """
    begin = _first_bytes(path)
    own = None if weights is None else _read_whole(weights, _LIMITS[WEIGHTS])
    if begin.startswith(_ZIP):
        parts = _parts_of_zip(path, with_weights=own is None)
        metadata = _mapping(_json(parts.get(METADATA, b"{}"), f"{path}: {METADATA}"))
        content = _json(parts[CONFIG], f"{path}: {CONFIG}")
        source = shown(weights or f"{path}: {WEIGHTS}")
        with Hdf5(parts[WEIGHTS] if own is None else own, source) as file:
            yield KerasFile(
                path=path,
                content=content,
                store=ZipStore(file),
                version=_text(metadata.get("keras_version")),
                sha256=sha256_of_file(path),
                facts=_mapping(metadata.get("cnnlab")),
            )
    elif begin.startswith(_HDF5):
        with Hdf5(_read_whole(path, _LIMITS[WEIGHTS]), shown(path)) as whole:
            described = whole.text("model_config", _LIMITS[CONFIG])
            if described is None:
                raise _only_weights(path)
            content = _json(described.encode(), f"{path}: model_config")
            version = whole.text("keras_version", 64)
            if own is None:
                yield KerasFile(path, content, LegacyStore(whole), version, sha256_of_file(path))
                return
            with Hdf5(own, shown(weights)) as file:
                yield KerasFile(path, content, ZipStore(file), version, sha256_of_file(path))
    else:
        raise DataError(
            "the file is no Keras model",
            where=shown(path),
            expected="a .keras file, or a legacy .h5 file of a whole model",
            todo="write one with model.save('model.keras')",
        )


def _first_bytes(path: Path) -> bytes:
    if path.is_dir():
        raise DataError(
            "a folder", where=shown(path), expected="a .keras file: model.save('model.keras')"
        )
    with input_errors(path), path.open("rb") as stream:
        return stream.read(len(_HDF5))


def _read_whole(path: Path, limit: int) -> bytes:
    with input_errors(path), path.open("rb") as stream:
        content = stream.read(limit + 1)
    _check_size(len(content), limit, shown(path))
    return content


def _parts_of_zip(path: Path, *, with_weights: bool) -> dict[str, bytes]:
    """The members that count, each no larger than it may be; others are not looked at."""
    wanted = [CONFIG, METADATA, *([WEIGHTS] if with_weights else [])]
    with archive_errors(path, ZIP_TROUBLE), zipfile.ZipFile(path) as archive:
        if len(archive.infolist()) > _MOST_MEMBERS:
            raise DataError(
                f"{len(archive.infolist()):,} members",
                where=shown(path),
                expected=f"at most {_MOST_MEMBERS:,} in a .keras file",
            )
        there = {name: info for info, name, _ in zip_members(archive, path)}
        for name in wanted:
            if name not in there and name != METADATA:
                raise _incomplete(path, name, there)
        parts = {}
        for name in wanted:
            if name in there:
                _check_size(there[name].file_size, _LIMITS[name], shown(f"{path}: {name}"))
                parts[name] = archive.read(there[name])
        return parts


def _check_size(size: int, limit: int, where: str) -> None:
    if size > limit:
        raise DataError(
            f"it has {bytes_text(size)} or more",
            where=where,
            expected=f"at most {bytes_text(limit)}",
        )


def _incomplete(path: Path, name: str, there: Mapping[str, object]) -> DataError:
    if name == WEIGHTS and CONFIG in there:
        return DataError(
            f"it holds no {WEIGHTS}",
            where=shown(path),
            expected="weights in one HDF5 file, as model.save writes them",
            todo="save it again, or add --weights FILE.weights.h5",
        )
    return DataError(
        f"an archive without {name}",
        where=shown(path),
        expected="what model.save('m.keras') writes",
    )


def _only_weights(path: Path) -> DataError:
    return DataError(
        "an HDF5 file without a model's configuration",
        where=shown(path),
        expected="a whole model",
        todo="save it with model.save('model.keras'), not with save_weights",
    )


def _json(content: bytes, where: str) -> Any:
    try:
        found = json.loads(content)
    # What is no JSON, no text, or has brackets in brackets without end.
    except (ValueError, RecursionError, MemoryError):
        raise DataError("is no JSON, or damaged", where=shown(where)) from None
    level, depth = [found], 0
    while level:
        depth += 1
        level = [inner for outer in level for inner in _inside(outer)]
        if depth > _DEEPEST:
            raise DataError("has brackets in brackets without end", where=shown(where))
    return found


def _inside(value: object) -> Iterable[object]:
    if isinstance(value, Mapping):
        return value.values()
    return value if isinstance(value, list) else ()


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: object) -> str | None:
    return value[:64] if isinstance(value, str) else None
