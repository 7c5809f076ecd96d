"""Class folders packed as .tar, plain or compressed."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol, cast

from cnnlab.data.archive import Census, archive_errors, check_expansion, check_size, refusal
from cnnlab.data.images import MAX_FILE_BYTES
from cnnlab.data.tree import Entry, file_identity, folder_entry, shown

__all__ = ["TarTree", "begins_like_tar"]

_BLOCK_BYTES = 1 << 20
_HEADER_BYTES = 512
#: What tarfile and the decompressors raise on files that are damaged or beyond them.
_TROUBLE = (
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    ValueError,
    LookupError,
    OverflowError,
    RecursionError,
)


def begins_like_tar(path: Path) -> bool:
    """Whether a file, compressed or not, begins as tar archives do since 1988 (POSIX.1)."""
    try:
        with _unpacked(path) as stream:
            return stream.read(_HEADER_BYTES)[257:262] == b"ustar"
    except _TROUBLE:
        return False


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class TarTree:
    """A .tar file, plain or compressed with gzip, xz or bzip2, read from front to back."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def identity(self) -> dict[str, object]:
        """Path, size, times and inode of the archive."""
        return file_identity(self.path)

    def entries(self) -> Iterator[Entry]:
        """Yield every file and folder; see :class:`cnnlab.data.tree.Tree`."""
        census = Census(self.path)
        with archive_errors(self.path, _TROUBLE), _unpacked(self.path) as stream:
            archive = tarfile.TarFile(fileobj=cast(BinaryIO, stream), errors="surrogateescape")
            while (member := archive.next()) is not None:
                archive.members.clear()  # type: ignore[attr-defined]  # unknown to typeshed
                self._check_kind(member)
                path = census.admit(member.name, is_folder=member.isdir())
                if member.isdir():
                    yield folder_entry(path)
                else:
                    opener = self._opener(stream, member, path)
                    yield Entry(path, is_folder=False, open=opener)
            stream.finish()

    def _check_kind(self, member: tarfile.TarInfo) -> None:
        if member.issym():
            raise refusal(self.path, member.name, "a symbolic link")
        if member.islnk():
            raise refusal(self.path, member.name, "a hard link")
        if member.issparse():
            raise refusal(self.path, member.name, "a sparse file")
        if not (member.isreg() or member.isdir()):
            raise refusal(self.path, member.name, "a device, pipe or other special file")

    def _opener(
        self, stream: _Unpacked, member: tarfile.TarInfo, path: str
    ) -> Callable[[], BinaryIO]:
        def opened() -> BinaryIO:
            check_size(member.size, shown(f"{self.path}: {path}"))
            with archive_errors(self.path, _TROUBLE):
                stream.seek(member.offset_data)
                # Of a file that is cut off here the next header will be missing.
                return io.BytesIO(stream.read(member.size))

        return opened


class _Unpacked:
    """The unpacked bytes of a compressed file, forwards only, within the limits.

    tarfile takes a damaged header for the end of the archive, and so would drop what follows;
    :meth:`finish` tells the real end, a block of zeros, from damage.
    """

    def __init__(self, file: BinaryIO, stream: _Readable, archive: Path) -> None:
        self._file, self._stream, self._archive = file, stream, archive
        self._position = 0
        self._last = b""

    def tell(self) -> int:
        return self._position

    def seek(self, position: int) -> int:
        if position < self._position:
            raise tarfile.ReadError("a header points backwards")
        while self._position < position and self.read(min(position - self._position, _BLOCK_BYTES)):
            pass
        return self._position

    def read(self, count: int) -> bytes:
        if not 0 <= count <= MAX_FILE_BYTES + _HEADER_BYTES:
            raise tarfile.ReadError(f"a header claims {count:,} bytes")
        self._last = self._stream.read(count)
        self._position += len(self._last)
        if self._stream is not self._file:
            check_expansion(self._archive, self._position, self._file.tell())
        return self._last

    def finish(self) -> None:
        """Read to the end, which verifies checksums; raise where the archive has no proper end."""
        if self._last != bytes(_HEADER_BYTES):
            raise tarfile.ReadError(f"no valid header at byte {self._position - len(self._last):,}")
        while block := self.read(_BLOCK_BYTES):
            if block.strip(b"\0"):
                raise tarfile.ReadError("data after the end mark")
        if self._position % _HEADER_BYTES:
            raise tarfile.ReadError("the last block is not whole")


@contextmanager
def _unpacked(path: Path) -> Iterator[_Unpacked]:
    """Open an archive; its first bytes tell how it is compressed."""
    with path.open("rb") as file, ExitStack() as stack:
        magic = file.read(6)
        file.seek(0)
        stream: _Readable = file
        if magic.startswith(b"\x1f\x8b"):
            stream = stack.enter_context(gzip.GzipFile(fileobj=file, mode="rb"))
        elif magic.startswith(b"\xfd7zXZ\0"):
            stream = stack.enter_context(lzma.LZMAFile(file))
        elif magic.startswith(b"BZh"):
            stream = stack.enter_context(bz2.BZ2File(file))
        yield _Unpacked(file, stream, path)
