"""Makes one operation on files fail, or all from one on, as a full or broken disk does.

The functions of Python that write, flush, rename and remove are replaced in this process, for
good; so it is for a child process that ends afterwards. Only what lies below one folder counts.
"""

from __future__ import annotations

import builtins
import errno
import io
import os
import re
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["ERRORS", "FORMS", "KINDS", "Fault", "Injector", "Operation", "arm", "kind_of_file"]

ERRORS = ("ENOSPC", "EIO", "EACCES")

#: One operation fails; it and all that follow fail; a write takes fewer bytes than it was given.
FORMS = ("once", "from then on", "short")

KINDS = (
    "mkdir",
    "open",
    "write",
    "truncate",
    "set aside",
    "flush of a map",
    "fsync",
    "fsync of a folder",
    "rename",
    "unlink",
    "rmdir",
)

_FILES = (
    (r"\.lock$", "lock"),
    (r"(^|/)home/", "decoded images"),
    (r"last-\d+\.safetensors", "last checkpoint"),
    (r"best\.safetensors", "best weights"),
    (r"checkpoints/\.?clock\.json", "clock"),
    (r"predictions/", "predictions"),
    (r"(metrics|timing|resources)\.jsonl", "lines of metrics and timing"),
    (r"ledger\.jsonl", "ledger"),
    (r"result\.json", "result"),
    (r"progress\.md", "progress"),
    (r"report\.(html|md)|figures/.", "report"),
    (r"downloads/", "download"),
    (r"\.removed-", "removal"),
)


def kind_of_file(path: str) -> str:
    """What a path below the folder is for; the rest is what a new run is made of."""
    return next((kind for pattern, kind in _FILES if re.search(pattern, path)), "a new run")


@dataclass(frozen=True)
class Operation:
    """One call that changes files: its kind, and the path below the folder that it is about."""

    kind: str
    path: str


@dataclass(frozen=True)
class Fault:
    """Which operation (from 0) is to fail, and how."""

    number: int
    form: str = "once"
    error: str = "ENOSPC"

    def hits(self, number: int) -> bool:
        """Whether the operation of this number fails."""
        return number >= self.number if self.form == "from then on" else number == self.number


@dataclass
class Injector:
    """Counts the operations below ``root``, keeps those that were done, fails what is asked for.

    Attributes
    ----------
    operations: all that were tried, in order.
    renamed: final paths of the files that took their names, in order.
    """

    root: Path
    fault: Fault | None = None
    operations: list[Operation] = field(default_factory=list)
    renamed: list[str] = field(default_factory=list)
    _descriptors: dict[int, str] = field(default_factory=dict)

    def below(self, path: Any, folder: int | None = None) -> str | None:
        """The path below the root; None where it lies elsewhere."""
        if isinstance(path, int):
            return self._descriptors.get(path)
        given = os.fsdecode(path)
        if folder is not None:
            place = self._descriptors.get(folder)
            if place is None:
                return None
            given = str(self.root / place / given)
        relative = os.path.relpath(given, self.root)
        return None if relative.startswith("..") else relative

    def knows(self, descriptor: int, path: str) -> None:
        """Remember what an open file's number stands for."""
        self._descriptors[descriptor] = path

    def passes(self, kind: str, path: str) -> str:
        """Count an operation; return how it fails: "", "short" or the name of an error."""
        number = len(self.operations)
        self.operations.append(Operation(kind, path))
        if self.fault is None or not self.fault.hits(number):
            return ""
        return "short" if self.fault.form == "short" else self.fault.error

    def check(self, kind: str, path: str) -> None:
        """Count an operation, and raise where it fails."""
        error = self.passes(kind, path)
        if error:
            raise _os_error(error, str(self.root / path))


def _os_error(name: str, path: str) -> OSError:
    number = getattr(errno, name)
    return OSError(number, os.strerror(number), path)


class _Raw(io.FileIO):
    """An open file whose writes are counted; one that fails leaves the half of it, as disks do."""

    def __init__(self, injector: Injector, path: str, *opening: Any) -> None:
        super().__init__(*opening)
        self._injector, self._path = injector, path
        injector.knows(self.fileno(), path)

    def write(self, content: Any) -> int:
        error = self._injector.passes("write", self._path)
        view = memoryview(content).cast("B")
        if not error:
            return super().write(view)
        half = super().write(view[: max(1, len(view) // 2)]) if len(view) > 1 else 0
        if error == "short":
            return half or super().write(view)
        raise _os_error(error, self._path)

    def truncate(self, size: int | None = None) -> int:
        self._injector.check("truncate", self._path)
        return super().truncate(size)


def arm(injector: Injector) -> None:
    """Let everything in this process that changes files go by the injector, for good."""
    _watch_open(injector)
    _watch_descriptors(injector)
    _watch_paths(injector)
    _watch_numpy(injector)


def _put(owner: Any, name: str, replacement: object) -> None:
    setattr(owner, name, replacement)


def _watch_open(injector: Injector) -> None:
    plain = io.open

    def opened(
        file: Any,
        mode: str = "r",
        buffering: int = -1,
        encoding: str | None = None,
        errors: str | None = None,
        newline: str | None = None,
        closefd: bool = True,
        opener: Any = None,
    ) -> Any:
        path = None if isinstance(file, int) else injector.below(file)
        if path is None or not set(mode) & set("wax+"):
            return plain(file, mode, buffering, encoding, errors, newline, closefd, opener)
        injector.check("open", path)
        raw = _Raw(injector, path, file, mode.replace("b", ""), closefd, opener)
        if buffering == 0:
            return raw
        buffered = io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)
        return buffered if "b" in mode else io.TextIOWrapper(buffered, encoding, errors, newline)

    _put(io, "open", opened)
    _put(builtins, "open", opened)


def _watch_descriptors(injector: Injector) -> None:
    open_, fsync, truncate = os.open, os.fsync, os.ftruncate
    set_aside = getattr(os, "posix_fallocate", None)

    def opened(path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        place = injector.below(path, dir_fd)
        if place is not None and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            injector.check("open", place)
        descriptor = open_(path, flags, mode, dir_fd=dir_fd)
        if place is not None:
            injector.knows(descriptor, place)
        return descriptor

    def flushed(descriptor: int) -> None:
        folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        _check(injector, "fsync of a folder" if folder else "fsync", descriptor)
        fsync(descriptor)

    def truncated(descriptor: int, length: int) -> None:
        _check(injector, "truncate", descriptor)
        truncate(descriptor, length)

    def taken(descriptor: int, offset: int, length: int) -> None:
        _check(injector, "set aside", descriptor)
        assert set_aside is not None
        set_aside(descriptor, offset, length)

    _put(os, "open", opened)
    _put(os, "fsync", flushed)
    _put(os, "ftruncate", truncated)
    if set_aside is not None:
        _put(os, "posix_fallocate", taken)


def _check(injector: Injector, kind: str, descriptor: int) -> None:
    path = injector.below(descriptor)
    if path is not None:
        injector.check(kind, path)


def _watch_paths(injector: Injector) -> None:
    def watch(name: str, kind: str, *, there: bool = True) -> None:
        plain: Callable[..., Any] = getattr(os, name)

        def watched(path: Any, *rest: Any, dir_fd: int | None = None, **more: Any) -> Any:
            place = injector.below(path, dir_fd)
            # A folder that is there, or a file that is not, is answered so by the fullest disk.
            if place is not None and os.path.lexists(injector.root / place) == there:
                injector.check(kind, place)
            return plain(path, *rest, dir_fd=dir_fd, **more)

        _put(os, name, watched)

    def rename(name: str) -> None:
        plain: Callable[..., Any] = getattr(os, name)

        def renamed(source: Any, target: Any, **more: Any) -> Any:
            place = injector.below(target)
            if place is not None:
                injector.check("rename", place)
            plain(source, target, **more)
            if place is not None:
                injector.renamed.append(place)

        _put(os, name, renamed)

    watch("mkdir", "mkdir", there=False)
    watch("unlink", "unlink")
    watch("remove", "unlink")
    watch("rmdir", "rmdir")
    rename("rename")
    rename("replace")


def _watch_numpy(injector: Injector) -> None:
    flush = np.memmap.flush

    def flushed(array: Any) -> None:
        path = injector.below(array.filename) if array.filename is not None else None
        if path is not None:
            injector.check("flush of a map", path)
        flush(array)

    _put(np.memmap, "flush", flushed)
    # NumPy writes to a real file past Python: so that these writes count, it takes none for real.
    np.lib.format.write_array.__globals__["isfileobj"] = lambda _: False
