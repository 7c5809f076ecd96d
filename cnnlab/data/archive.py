"""What every archive has to keep to; nothing of one is ever unpacked to the disk."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cnnlab.data.images import MAX_FILE_BYTES
from cnnlab.data.tree import shown
from cnnlab.errors import DataError

__all__ = [
    "ARCHIVE_SUFFIXES",
    "Census",
    "archive_errors",
    "check_expansion",
    "check_size",
    "plain_path",
    "refusal",
    "safe_path",
    "unsafe",
]

#: File names that promise an archive which can be read here.
ARCHIVE_SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.xz", ".txz", ".tar.bz2", ".tbz2")

_MAX_MEMBERS = 2_000_000
_MAX_DEPTH = 32
_MAX_TOTAL_BYTES = 64 << 30
#: What an archive may unpack to: this many times its own size, beyond the first bytes.
_MAX_RATIO = 300
_FREE_BYTES = 256 << 20


def unsafe(name: str) -> str | None:
    """Say what of a name could lead out of the folder it is relative to; None where nothing could.

    "..", absolute paths, drive letters, backslashes, NUL; and absurd depths.
    """
    parts = _parts(name)
    if name.startswith("/"):
        return "an absolute path"
    if ".." in parts:
        return 'a path with ".."'
    if "\\" in name:
        return "a path with a backslash"
    if "\0" in name:
        return "a path with a NUL character"
    if parts and re.match(r"[A-Za-z]:", parts[0]):
        return "a path with a drive letter"
    if len(parts) > _MAX_DEPTH:
        return f"a path of more than {_MAX_DEPTH} folders"
    return None


def plain_path(name: str) -> str:
    """Return a path separated by "/", without "." and empty parts."""
    return "/".join(_parts(name))


def _parts(name: str) -> list[str]:
    return [part for part in name.split("/") if part not in ("", ".")]


def safe_path(name: str, archive: Path) -> str:
    """Return a member's plain path; raise :class:`DataError` for one that is :func:`unsafe`."""
    wrong = unsafe(name)
    if wrong:
        raise refusal(archive, name, wrong)
    return plain_path(name)


def refusal(archive: Path, member: str, what: str) -> DataError:
    return DataError(
        f"{what} is not allowed in an archive",
        where=shown(f"{archive}: {member}"),
        todo="pack plain files and folders only",
    )


class Census:
    """Counts the members of one archive and refuses too many, and one name twice."""

    def __init__(self, archive: Path) -> None:
        self._archive = archive
        self._files: set[str] = set()
        self._members = 0

    def admit(self, name: str, *, is_folder: bool) -> str:
        """Return the member's safe path ("" for the root itself)."""
        path = safe_path(name, self._archive)
        self._members += 1
        if self._members > _MAX_MEMBERS:
            raise DataError(
                "too many members", where=self._archive, expected=f"at most {_MAX_MEMBERS:,}"
            )
        if not is_folder:
            if not path:
                raise refusal(self._archive, name, "a file without a name")
            if path in self._files:
                raise refusal(self._archive, name, "a name that occurs twice")
            self._files.add(path)
        return path


def check_expansion(archive: Path, unpacked: int, packed: int, member: str = "") -> None:
    if unpacked > min(_MAX_TOTAL_BYTES, _FREE_BYTES + _MAX_RATIO * packed):
        raise DataError(
            f"it unpacks to more than {unpacked:,} bytes from {packed:,}",
            where=shown(f"{archive}: {member}" if member else archive),
            expected=f"at most {_MAX_RATIO} times as many and {_MAX_TOTAL_BYTES:,} in all",
            todo="an archive that expands like this is refused as a bomb",
        )


def check_size(size: int, where: str) -> None:
    if not 0 <= size <= MAX_FILE_BYTES:
        raise DataError(f"more than {MAX_FILE_BYTES:,} bytes, {size:,}", where=where)


@contextmanager
def archive_errors(where: object, trouble: tuple[type[Exception], ...]) -> Iterator[None]:
    """Turn what a reader of archives raises on broken ones into a :class:`DataError`."""
    try:
        yield
    except trouble as error:
        what = "the archive is damaged or cut off"
        if isinstance(error, OSError) and error.errno is not None:
            what, reason = "cannot be read", (error.strerror or str(error)).lower()
        else:
            reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(
            f"{what}: {shown(reason)}", where=shown(where), todo="copy or download it again"
        ) from error
