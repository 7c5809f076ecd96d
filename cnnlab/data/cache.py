"""Decoded images on disk: decoded once, memory-mapped ever after."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from cnnlab.data.dataset import Dataset, fingerprint_of
from cnnlab.data.places import home
from cnnlab.data.repeats import repeat_notes
from cnnlab.data.source import Allocate, Decoded, ReadOptions, Say, unsaid
from cnnlab.data.tree import shown
from cnnlab.errors import CnnlabError, RunError, StorageError
from cnnlab.files import exclusive_lock, write_json

__all__ = ["SCHEMA", "CacheKey", "forget", "load_or_build"]

#: The version of what an entry holds; a new one makes every entry of an older one unused.
SCHEMA = 2

_WAIT_SECONDS = 3600.0
_IMAGES, _LABELS, _META = "images.npy", "labels.npy", "meta.json"
_BLOCK_BYTES = 8 << 20


@dataclass(frozen=True)
class CacheKey:
    """What a decoded dataset depends on.

    Attributes
    ----------
    origin: the path it was read from, for people and for finding outdated entries.
    identity: what changes when the source's files change.
    options: how the images were read.
    """

    origin: str
    identity: Mapping[str, object]
    options: ReadOptions

    def as_json(self) -> dict[str, Any]:
        """The key's parts, as they are hashed and kept: JSON's own types only."""
        parts = {
            "schema": SCHEMA,
            "origin": self.origin,
            "identity": dict(self.identity),
            "options": self.options.as_json(),
        }
        as_json: dict[str, Any] = json.loads(json.dumps(parts, default=shown))
        return as_json

    @property
    def digest(self) -> str:
        """The name of the entry's folder."""
        text = json.dumps(self.as_json(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:32]


def load_or_build(
    key: CacheKey, read: Callable[[Allocate], Decoded], name: Callable[[], str], *, say: Say
) -> Dataset:
    """Return the dataset of the entry, after decoding it where there is no sound one.

    Parameters
    ----------
    read: decodes; called at most once, and what it raises passes through.
    name: gives the dataset's name; called when decoding.

    Several processes may ask at once: one decodes, the others wait. Raises
    :class:`StorageError` when the cache cannot be written; nothing is left behind then.
    """
    folder = home() / "datasets"
    entry = folder / key.digest
    dataset = _load(entry, key, say)
    if dataset is not None:
        return dataset
    with _cache_errors():
        folder.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(folder)
    with _locked(entry, say):
        dataset = _load(entry, key, unsaid)  # another process may have been faster
        if dataset is None:
            title = name()
            say(f"decoding {title} (once; kept in {shown(folder)})")
            _build(entry, key, read, title)
            dataset = _load(entry, key, say)
    if dataset is None:
        raise StorageError("what was just written cannot be read back", where=entry)
    _remove_outdated(folder, key)
    return dataset


def forget(dataset: Dataset) -> None:
    """Remove the entry that a dataset's images are mapped from: nobody will ask for it again.

    An image that is mapped already stays readable until it is let go.
    """
    file = getattr(dataset.images, "filename", None)
    if file is not None and Path(file).parent.parent == home() / "datasets":
        _remove(Path(file).parent)


def _remove(entry: Path) -> None:
    """Remove an entry and its lock."""
    shutil.rmtree(entry, ignore_errors=True)
    entry.with_name(f"{entry.name}.lock").unlink(missing_ok=True)


def _load(entry: Path, key: CacheKey, say: Say) -> Dataset | None:
    """Open an entry; None where there is none or where it is damaged, which is said."""
    if not entry.is_dir():
        return None
    try:
        meta = json.loads((entry / _META).read_text(encoding="utf-8"))
        images = np.load(entry / _IMAGES, mmap_mode="r", allow_pickle=False)
        labels = np.load(entry / _LABELS, allow_pickle=False)
        if meta["key"] != key.as_json() or list(images.shape) != meta["shape"]:
            raise ValueError("the description is of something else")
        if labels.dtype != np.int64 or labels.ndim != 1:
            raise ValueError("labels are no row of int64")
        return Dataset(
            name=meta["name"],
            images=images,
            labels=labels,
            class_names=tuple(meta["class_names"]),
            parts=meta["parts"],
            fingerprint=meta["fingerprint"],
            origin=key.origin,
            notes=tuple(meta["notes"]),
        )
    except (OSError, ValueError, LookupError, TypeError, AttributeError, EOFError, CnnlabError):
        say(f"the decoded copy in {shown(entry)} is damaged; decoding again")
        return None


def _build(entry: Path, key: CacheKey, read: Callable[[Allocate], Decoded], name: str) -> None:
    temporary = entry.with_name(f".{entry.name}.{secrets.token_hex(4)}.tmp")
    with _cache_errors():
        temporary.mkdir()
    try:
        _fill(temporary, key, read, name)
        with _cache_errors():
            if entry.exists():  # damaged: out of the way first, as a full folder is not replaced
                entry.rename(temporary.with_suffix(".old.tmp"))
            temporary.rename(entry)
    finally:
        for leftover in (temporary, temporary.with_suffix(".old.tmp")):
            shutil.rmtree(leftover, ignore_errors=True)


def _fill(folder: Path, key: CacheKey, read: Callable[[Allocate], Decoded], name: str) -> None:
    """Decode into a new folder and describe it."""
    allocated: list[NDArray[np.uint8]] = []

    def allocate(shape: tuple[int, int, int, int]) -> NDArray[np.uint8]:
        allocated[:] = [_reserve(folder / _IMAGES, shape)]
        return allocated[0]

    decoded = read(allocate)
    if not allocated or decoded.images is not allocated[0]:
        pixels = np.array(decoded.images)  # a copy: it may be a view of the file replaced here
        allocate(_shape_of(pixels))[...] = pixels
    images = allocated[0]
    labels = np.ascontiguousarray(decoded.labels, dtype=np.int64)
    meta: dict[str, Any] = {
        "name": name,
        "class_names": list(decoded.class_names),
        "parts": dict(decoded.parts),
        "shape": list(images.shape),
        "fingerprint": fingerprint_of(images, labels, tuple(decoded.class_names)),
        "notes": [*decoded.notes, *repeat_notes(images, decoded.parts)],
        "key": key.as_json(),
    }
    # A reader's mistake shows here, before the entry exists, and not as a damaged entry.
    Dataset(
        images=images,
        labels=labels,
        class_names=decoded.class_names,
        parts=decoded.parts,
        name=name,
        fingerprint=meta["fingerprint"],
    )
    with _cache_errors():
        if isinstance(images, np.memmap):
            images.flush()
        np.save(folder / _LABELS, labels, allow_pickle=False)
        write_json(folder / _META, meta)


def _shape_of(images: NDArray[np.uint8]) -> tuple[int, int, int, int]:
    count, height, width, channels = images.shape
    return count, height, width, channels


def _reserve(path: Path, shape: tuple[int, int, int, int]) -> NDArray[np.uint8]:
    """Create a memory-mapped array whose space on the disk is really there.

    Writing into a map of a file with holes kills the process when the disk is full; so the
    blocks are taken beforehand, where a full disk is an error like any other.
    """
    with _cache_errors():
        images = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)
        with path.open("r+b") as file:
            _take_blocks(file, images.offset)
        return images


def _take_blocks(file: BinaryIO, start: int) -> None:
    """Have the system set aside the blocks of a file's hole, which reaches from ``start`` on."""
    size = os.fstat(file.fileno()).st_size
    if hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(file.fileno(), 0, size)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP):
                raise
        else:
            return
    file.seek(start)
    for at in range(start, size, _BLOCK_BYTES):
        file.write(bytes(min(_BLOCK_BYTES, size - at)))
    file.flush()
    os.fsync(file.fileno())


@contextmanager
def _locked(entry: Path, say: Say) -> Iterator[None]:
    """Hold the entry's lock, and say so where another process makes us wait."""
    lock = entry.with_name(f"{entry.name}.lock")
    with ExitStack() as stack:
        with _cache_errors():
            try:
                stack.enter_context(exclusive_lock(lock))
            except RunError:
                say("another process is decoding the same images; waiting for it")
                stack.enter_context(exclusive_lock(lock, wait_seconds=_WAIT_SECONDS))
        yield


def _remove_abandoned(folder: Path) -> None:
    """Remove temporary folders whose process died: nobody holds their lock any more."""
    for temporary in folder.glob(".*.tmp"):
        digest = temporary.name.split(".")[1]
        try:
            with exclusive_lock(folder / f"{digest}.lock"):
                shutil.rmtree(temporary, ignore_errors=True)
        except RunError:
            continue  # somebody is at work in it


def _remove_outdated(folder: Path, key: CacheKey) -> None:
    """Remove entries of the same source, read the same way, whose files have changed since."""
    for meta in folder.glob(f"*/{_META}"):
        try:
            other = json.loads(meta.read_text(encoding="utf-8"))["key"]
            same = (
                other["origin"] == key.origin
                and other["options"] == key.options.as_json()
                and other["identity"].get("dataset") == key.identity.get("dataset")
            )
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            continue  # damaged: it is decoded again when it is asked for
        if same and meta.parent.name != key.digest:
            _remove(meta.parent)


@contextmanager
def _cache_errors() -> Iterator[None]:
    try:
        yield
    except (OSError, StorageError) as error:
        cause = error if isinstance(error, OSError) else error.__cause__
        full = isinstance(cause, OSError) and cause.errno in (
            errno.ENOSPC,
            errno.EDQUOT,
            errno.EFBIG,
        )
        reason = getattr(cause, "strerror", None) or str(cause or error)
        raise StorageError(
            f"the cache of decoded images cannot be written: {reason.lower()}",
            where=shown(home()),
            todo=("free some space" if full else "make it writable")
            + ", or set CNNLAB_HOME to a folder elsewhere",
        ) from error
