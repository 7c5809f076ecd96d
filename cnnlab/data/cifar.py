"""CIFAR-10 and CIFAR-100: published archives, and folders unpacked from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from cnnlab.data import places
from cnnlab.data.cifar_batches import Batch, Labelling, images_of
from cnnlab.data.cifar_forms import Form, read_archive, read_folder
from cnnlab.data.download import Mirror, fetch_files
from cnnlab.data.reading import read_errors
from cnnlab.data.source import (
    Allocate,
    Decoded,
    Found,
    PathForm,
    ReadOptions,
    Say,
    SourceOptions,
)
from cnnlab.errors import DataError
from cnnlab.options import fill_options

__all__ = ["Cifar"]


@dataclass(eq=False)
class Cifar:
    """Colour images of 32x32 pixels in batches of records or of pickled dictionaries.

    Rows are in the order of the train batches, then test.

    Attributes
    ----------
    name, title, description, options: as ``Source`` has them.
    labellings: the ways in which the images are labelled; where there are several, the option
        ``labels`` chooses one by its name.
    forms: what was published; the first one is fetched.
    mirrors: servers that have it.
    counts: images of train and of test.
    """

    follows_form = False

    name: str
    title: str
    description: str
    labellings: Sequence[Labelling]
    forms: Sequence[Form]
    mirrors: Sequence[Mirror]
    options: SourceOptions = field(default_factory=dict)
    counts: tuple[int, int] = (50_000, 10_000)

    @property
    def path_form(self) -> PathForm:
        """How a path of the user's is known as this dataset's, and read."""
        return PathForm(self.recognise, self.read_path, self.options, follows_form=False)

    def find(self) -> Found | None:
        """Return the first official archive, or folder unpacked from one, on this machine."""
        # Keras 3 unpacks into a folder of its own making.
        names = [
            name
            for form in self.forms
            for name in (form.archive.name, form.folder, f"{form.folder}-target/{form.folder}")
        ]
        for path in places.candidates(*names, ".", usual=places.usual()):
            match = self._match(path)
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
        return self._read(found.path, options, allocate, self.counts)

    def recognise(self, path: Path) -> Found | None:
        """Return an official archive or a folder of batches; None for every other path.

        An archive is known by its name or its size, a folder by the names of the files in it; it
        may lie in the folder that is given.
        """
        for inner in (path, *(path / form.folder for form in self.forms)):
            match = self._match(inner)
            if match is not None:
                return _found(inner, match[1])
        return None

    def read_path(self, found: Found, options: ReadOptions, allocate: Allocate) -> Decoded:
        """Read what :meth:`recognise` returned: batches of any number of images."""
        return self._read(found.path, options, allocate, None)

    def _match(self, path: Path) -> tuple[Form, list[Path]] | None:
        """The form that a path has, and the files that it is made of."""
        with read_errors(path):
            size_bytes = path.stat().st_size if path.is_file() else None
            for form in self.forms:
                if size_bytes is None:
                    if files := form.present(path):
                        return form, files
                elif path.name == form.archive.name or size_bytes == form.archive.size_bytes:
                    return form, [path]
        return None

    def _labelling(self, options: ReadOptions) -> Labelling:
        chosen = fill_options(self.name, self.options, options.own).get("labels")
        return next(each for each in self.labellings if chosen in (None, each.name))

    def _read(
        self,
        path: Path,
        options: ReadOptions,
        allocate: Allocate,
        counts: tuple[int, int] | None,
    ) -> Decoded:
        labelling = self._labelling(options)
        batches, unverified = self._batches(path, labelling, named=counts is not None)
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
            class_names=labelling.class_names,
            parts={"train": train, "test": test},
            notes=(note,) if unverified else (),
        )

    def _batches(
        self, path: Path, labelling: Labelling, *, named: bool
    ) -> tuple[list[Batch], list[str]]:
        """The batches, and the names of those that are not the published files."""
        match = self._match(path)
        if match is None:
            raise DataError(f"there are no batches of {self.title}", where=path)
        form, todo = match[0], f"get it again: cnnlab data fetch {self.name}"
        if path.is_dir():
            return read_folder(form, path, labelling, named=named, todo=todo)
        return read_archive(form, path, labelling, todo=todo), []


def _found(path: Path, files: Sequence[Path]) -> Found:
    with read_errors(path):
        states = {file.name: file.stat() for file in files}
    return Found(path, {name: [state.st_size, state.st_mtime_ns] for name, state in states.items()})
