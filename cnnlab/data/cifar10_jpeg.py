"""CIFAR-10-JPEG: CIFAR-10's images as JPEG files, a stand-in for a user's own folder."""

from __future__ import annotations

from pathlib import Path

from cnnlab.data.folder import read_class_folders
from cnnlab.data.places import candidates
from cnnlab.data.reading import check_digest
from cnnlab.data.source import NO_OPTIONS, SOURCES, Allocate, Decoded, Found, ReadOptions, Say
from cnnlab.data.tree import file_identity
from cnnlab.data.trees import open_tree
from cnnlab.errors import DownloadError
from cnnlab.files import sha256_of_file

__all__ = ["Cifar10Jpeg"]

_FILE = "cifar10-jpeg.tar.xz"
_SIZE_BYTES = 18_436_832
_SHA256 = "3b7532280f58c449db3059c39d1dda3f2fa6321505e8947790dc5fbb5bfd02f5"


class Cifar10Jpeg:
    """CIFAR-10 (A. Krizhevsky, 2009) saved as JPEG at quality 75, half-resolution colour.

    60,000 colour images of 32x32 pixels, 10 classes, 5,000 of each in train and 1,000 in test.
    JPEG takes detail away, so what is measured on it is never a CIFAR-10 figure.
    """

    name = "cifar10-jpeg"
    title = "CIFAR-10-JPEG"
    description = f"CIFAR-10's 60,000 images as JPEG files; {_FILE} in CNNLAB_DATA, no download"
    options = NO_OPTIONS
    follows_form = True

    def find(self) -> Found | None:
        """Return the archive where it lies in ``CNNLAB_DATA`` or among the downloads."""
        paths = [path for path in candidates(_FILE) if path.is_file()]
        if not paths:
            return None
        return Found(paths[0], {**file_identity(paths[0]), "sha256": _SHA256})

    def fetch(self, say: Say, *, time_limit_seconds: float | None = None) -> Found:
        """Return what :meth:`find` does: nobody publishes this archive."""
        del say, time_limit_seconds  # nothing is brought here
        found = self.find()
        if found is None:
            raise DownloadError(
                "cifar10-jpeg is made locally and cannot be downloaded",
                todo=f"put {_FILE} into a folder and set CNNLAB_DATA to it, or use cifar10",
            )
        return found

    def read(self, found: Found, options: ReadOptions, allocate: Allocate) -> Decoded:
        """Verify the archive's SHA-256 and decode: uint8 ``[60000, 32, 32, 3]`` by default."""
        check_digest(found.path, f"sha256:{_SHA256}", todo="copy the archive again")
        return read_class_folders(open_tree(found.path), options, allocate)

    @staticmethod
    def is_copy(path: Path) -> bool:
        """Whether a file, whatever its name, is this archive."""
        return path.stat().st_size == _SIZE_BYTES and sha256_of_file(path) == _SHA256


SOURCES.add(Cifar10Jpeg.name, Cifar10Jpeg())
