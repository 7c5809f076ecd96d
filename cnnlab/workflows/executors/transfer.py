"""A run directory on its way from machine to machine: in pieces, checked, put in place at once."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from cnnlab.errors import FailedError
from cnnlab.files import storage_errors
from cnnlab.runs import files_of

__all__ = ["ARRIVING", "Arrival", "Departure", "Piece", "pieces_of"]

PIECE_BYTES = 4 << 20

#: A run's lock, what asks it to stop, and files that are being written stay where they are.
_STAYS = ("stop",)
#: What the folders of runs that are coming are called first.
ARRIVING = ".arriving"
_MOST_FILES = 100_000


@dataclass(frozen=True)
class Piece:
    """A part of a file, the first of which says nothing of how many follow."""

    name: str
    offset: int
    content: bytes


def _travels(name: str) -> bool:
    return name not in _STAYS and not PurePosixPath(name).name.startswith(".")


def pieces_of(folder: Path, sizes: Mapping[str, int]) -> Iterator[Piece]:
    """The first so many bytes of each file, in at least one piece of at most ``PIECE_BYTES``.

    What is appended meanwhile (the resource monitor does) comes the next time.
    """
    for name, size in sizes.items():
        with (folder / name).open("rb") as stream:
            for offset in range(0, max(size, 1), PIECE_BYTES):
                yield Piece(name, offset, stream.read(min(PIECE_BYTES, size - offset)))


class Departure:
    """A run directory that is sent again and again while it grows; what has not changed stays."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._sent: dict[str, tuple[int, int]] = {}

    def note(self) -> None:
        """Take what is there now for known on the other side."""
        self._sent = self._stamps()

    def _stamps(self) -> dict[str, tuple[int, int]]:
        found = {}
        for name in filter(_travels, files_of(self._folder)):
            with suppress(FileNotFoundError):
                facts = (self._folder / name).stat()
                found[name] = (facts.st_size, facts.st_mtime_ns)
        return found

    def pieces(self) -> Iterator[Piece]:
        """What has changed since the last time."""
        now = self._stamps()
        changed = {name: now[name][0] for name in now if self._sent.get(name) != now[name]}
        yield from pieces_of(self._folder, changed)
        self._sent = now

    def manifest(self) -> dict[str, int]:
        """The bytes of every file of the directory, as it was when it was sent last."""
        return {name: size for name, (size, _) in self._sent.items()}


class Arrival:
    """A run directory that comes in pieces, beside the place where it will stand.

    Whatever comes is checked: no name leads out of the directory, pieces follow one on the other,
    and in the end all files have the sizes that were announced. A directory that is new is put in
    place in one step. In one that is there, files are replaced one by one, its last words last, so
    that at any instant training can go on from it.
    """

    def __init__(self, target: Path) -> None:
        self._target = target
        self._sizes: dict[str, int] = {}
        self._folder = target.parent / f"{ARRIVING}-{os.getpid()}-{secrets.token_hex(8)}"

    def take(self, piece: Piece) -> None:
        """Write a piece down."""
        path = self._folder / _checked(piece.name, self._target)
        if piece.offset != self._sizes.get(piece.name, 0) or len(self._sizes) > _MOST_FILES:
            raise _wrong(self._target, f"a piece of {piece.name} is missing")
        with storage_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("ab") as stream:
                stream.write(piece.content)
        self._sizes[piece.name] = piece.offset + len(piece.content)

    def put_in_place(self, manifest: Mapping[str, int]) -> None:
        """All has come: check it against the manifest, and let it stand where it belongs."""
        for name, size in manifest.items():
            _checked(name, self._target)
            if self._sizes.get(name, self._size_before(name)) != size:
                raise _wrong(self._target, f"{name} has not come whole")
        if strangers := sorted(set(self._sizes) - set(manifest)):
            raise _wrong(self._target, f"{strangers[0]} was not announced")
        with storage_errors(self._target):
            self._flush()
            if self._target.exists():
                self._replace(manifest)
            else:
                for part in ("checkpoints", "predictions", "figures"):
                    (self._folder / part).mkdir(parents=True, exist_ok=True)
                self._folder.rename(self._target)
        self._sizes = {}

    def _size_before(self, name: str) -> int | None:
        path = self._target / name
        return path.stat().st_size if path.is_file() and not path.is_symlink() else None

    def _flush(self) -> None:
        for name in self._sizes:
            with (self._folder / name).open("rb") as stream:
                os.fsync(stream.fileno())

    def _replace(self, manifest: Mapping[str, int]) -> None:
        """Records before checkpoints, which may only tell of less than these; the result last."""
        for name in sorted(self._sizes, key=_rank):
            place = self._target / name
            place.parent.mkdir(parents=True, exist_ok=True)
            (self._folder / name).replace(place)
        for name in files_of(self._target):
            if _travels(name) and name not in manifest:
                (self._target / name).unlink(missing_ok=True)
        self.abandon()

    def abandon(self) -> None:
        """Remove what came and is not in place."""
        shutil.rmtree(self._folder, ignore_errors=True)
        self._sizes = {}


def _rank(name: str) -> tuple[int, str]:
    if name == "result.json":
        return 3, name
    if not name.startswith("checkpoints/"):
        return 0, name
    return (2 if "/last-" in name else 1), name


def _checked(name: str, target: Path) -> str:
    path = PurePosixPath(name)
    if not name or "\0" in name or path.is_absolute() or ".." in path.parts or not _travels(name):
        raise _wrong(target, f"{name!r} is no name of a run's file")
    return name


def _wrong(target: Path, what: str) -> FailedError:
    return FailedError(
        f"a worker sent the run back, but {what}",
        where=target,
        todo="run it again: it goes on from its last checkpoint here",
    )
