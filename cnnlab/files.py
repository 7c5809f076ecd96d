"""Writing so that a reader sees the old file or the new one, never half of one."""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from cnnlab.errors import RunError, StorageError

__all__ = [
    "append_line",
    "atomic_path",
    "exclusive_lock",
    "expanded",
    "is_alive",
    "is_file",
    "is_locked",
    "sha256_of_file",
    "storage_errors",
    "write_bytes",
    "write_json",
    "write_text",
]

_BLOCK_BYTES = 1 << 20


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn what the operating system says of ``path`` into one line for the user."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error) or type(error).__name__
        said, todo = f"{reason[0].lower()}{reason[1:]}", "free some space, or choose"
        if isinstance(error, FileExistsError | NotADirectoryError):
            file = next((part for part in (*path.parents[::-1], path) if part.is_file()), path)
            said, todo = f"{file} is a file and no folder", "choose"
        raise StorageError(
            f"cannot write: {said}",
            where=path,
            todo=f"{todo} a folder that you may write to",
        ) from error


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; on success it becomes ``path`` in one step.

    The file and its folder are flushed to the disk, so that the step survives a power cut.
    On any error the temporary file is removed and ``path`` stays as it was.
    """
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}.tmp")
    try:
        with storage_errors(path):
            yield temporary
            _flush(temporary)
            temporary.replace(path)
            _flush(path.parent)
    finally:
        with suppress(OSError):  # a read-only file system refuses even this
            temporary.unlink(missing_ok=True)


def _remove_abandoned(path: Path) -> None:
    """Remove what processes that are dead left of ``path``: killed, or with a disk gone bad."""
    left = re.compile(rf"\.{re.escape(path.name)}\.(\d+)\.[0-9a-f]{{8}}\.tmp")
    with suppress(OSError), os.scandir(path.parent) as entries:
        for entry in entries:
            found = left.fullmatch(entry.name)
            if found and not is_alive(int(found[1])):
                Path(entry.path).unlink(missing_ok=True)


def is_alive(process: int) -> bool:
    """Whether there is a process of that number; one of another user counts."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # another user's, or no process number of this system
        pass
    return True


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_bytes(path: Path, content: bytes) -> None:
    """Replace ``path`` by ``content`` in one step."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: Path, content: str) -> None:
    """Replace ``path`` by ``content`` (UTF-8) in one step."""
    write_bytes(path, _encoded(content))


def _encoded(text: str) -> bytes:
    r"""As UTF-8; what stands for a byte of a file name that is none is written as ``\udcXX``.

    JSON reads that back as it was.
    """
    return text.encode("utf-8", "backslashreplace")


def write_json(path: Path, content: Any) -> None:
    """Replace ``path`` by ``content`` as indented JSON in one step."""
    write_text(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def append_line(path: Path, line: str) -> None:
    """Append one line (UTF-8) and flush it to the disk.

    What follows the last end of a line was cut off while it was written, and is removed first.
    """
    # Without a buffer, which would write what failed once more when it is closed.
    with storage_errors(path), path.open("a+b", buffering=0) as stream:
        stream.seek(0)
        stream.truncate(stream.read().rfind(b"\n") + 1)
        rest = memoryview(_encoded(line) + b"\n")
        while rest:
            rest = rest[stream.write(rest) :]
        os.fsync(stream.fileno())


def expanded(path: str | Path) -> Path:
    """The path with "~" and "~name" put in full; where nobody is called so, as it is."""
    return Path(os.path.expanduser(path))  # noqa: PTH111 - Path's own raises there


def is_file(path: Path) -> bool:
    """Whether there is a file; of a path that no system could have, too, there is none."""
    try:
        return path.is_file()
    except (OSError, ValueError):  # too long, not to be looked at, or with a NUL
        return False


def sha256_of_file(path: Path) -> str:
    """SHA-256 of a file's bytes, as lower-case hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


@contextmanager
def exclusive_lock(
    path: Path, *, wait_seconds: float = 0.0, holder: str = "process"
) -> Iterator[None]:
    """Hold the lock file ``path``; it is freed by the system even after ``kill -9``.

    Raises :class:`RunError` when another process still holds it after ``wait_seconds``.
    """
    from filelock import FileLock, Timeout

    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path)
        try:
            lock.acquire(timeout=wait_seconds)
        except Timeout:
            raise RunError(
                f"another {holder} is using it", where=path.parent, todo="wait for it, or stop it"
            ) from None
    try:
        yield
    finally:
        lock.release()


def is_locked(path: Path) -> bool:
    """Whether a process holds the lock file ``path`` just now; asking creates nothing."""
    import fcntl

    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        # A shared lock, so that those who ask do not see each other.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # a file system without locks: nobody holds one there
        return False
    finally:
        os.close(descriptor)
    return False
