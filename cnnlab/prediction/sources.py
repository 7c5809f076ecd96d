"""What a user asks about (files, folders, standard input, arrays) -> images to be read."""

from __future__ import annotations

import os
import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from cnnlab.data.images import IMAGE_SUFFIXES, MAX_FILE_BYTES
from cnnlab.data.inventory import FOREIGN_SUFFIXES, litter_of
from cnnlab.data.layout import ignored_note
from cnnlab.data.source import Say, unsaid
from cnnlab.data.tree import FolderTree, input_errors, listed, open_regular, shown
from cnnlab.errors import DataError, InputError

__all__ = ["STANDARD_INPUT", "Given", "ImageSource", "gather"]

#: What stands for one image on standard input.
STANDARD_INPUT = "-"

#: A file, a folder, or pixels: uint8 ``[H, W]``, ``[H, W, C]`` or ``[N, H, W, C]``.
Given = str | os.PathLike[str] | NDArray[np.uint8]


@dataclass(frozen=True)
class ImageSource:
    """One image that is asked about, before it is read.

    Attributes
    ----------
    path: what results and errors call it.
    read: gives the file's bytes, or pixels uint8 ``[H, W, C]``; raises :class:`DataError`.
    true_class: the class whose folder it lies in, as an index; None where that says nothing.
    """

    path: str
    read: Callable[[], bytes | NDArray[np.uint8]]
    true_class: int | None = None


def gather(
    given: Given | Iterable[Given], class_names: Sequence[str], *, say: Say = unsaid
) -> list[ImageSource]:
    """List the images that were asked about, in order; a folder's are sorted by their paths.

    A file that is named is taken whatever it is called; in folders images are told by suffix,
    and what was left out is said in one line. Where the folders directly below a folder are
    called as classes are, its images carry their true class.

    Raises :class:`DataError` for a folder without images or one that cannot be listed, and
    :class:`InputError` for no image at all, for an empty name, for standard input asked for
    twice, and for arrays that are no images.
    """
    several = [given] if isinstance(given, str | os.PathLike | np.ndarray) else list(given)
    found: list[ImageSource] = []
    for number, item in enumerate(several):
        if isinstance(item, np.ndarray):
            found += _of_array(item, "array" if len(several) == 1 else f"array {number}")
        elif not os.fspath(item):  # a script's variable that is not set; a path it would be "."
            raise InputError("an empty name", expected="files, folders, or -; . is this folder")
        elif item == STANDARD_INPUT:
            found.append(ImageSource(STANDARD_INPUT, _standard_input))
        elif _is_folder(Path(item)):
            found += _of_folder(Path(item), class_names, say)
        else:
            found.append(ImageSource(os.fspath(item), partial(_named_file, Path(item))))
    if not found:
        raise InputError("no image is asked about", expected="files, folders or arrays")
    if sum(source.path == STANDARD_INPUT for source in found) > 1:
        raise InputError("standard input holds one image", where="-", todo="name it once")
    return found


def _is_folder(path: Path) -> bool:
    """Of what cannot be looked at (too long a name, a folder shut) reading will say why."""
    try:
        return path.is_dir()
    except OSError:
        return False


def _named_file(path: Path) -> bytes:
    """Any file, a pipe (``<(command)``) too: who names it knows what it is."""
    with input_errors(path), path.open("rb") as stream:
        return stream.read(MAX_FILE_BYTES + 1)


def _file_of_folder(path: Path) -> bytes:
    """A regular file: a pipe that lies about in a folder would be waited for."""
    with open_regular(path, path) as stream, input_errors(path):
        return stream.read(MAX_FILE_BYTES + 1)


def _standard_input() -> bytes:
    if sys.stdin is None:
        raise DataError("it is closed", where="standard input")
    with input_errors("standard input"):
        return sys.stdin.buffer.read(MAX_FILE_BYTES + 1)


def _of_array(array: NDArray[np.uint8], name: str) -> Iterator[ImageSource]:
    shape = (*array.shape, 1) if array.ndim == 2 else array.shape
    *_, height, width, channels = (0, 0, 0, *shape)
    sound = len(shape) in (3, 4) and height and width and channels in (1, 3, 4)
    if array.dtype != np.uint8 or not sound:
        raise InputError(
            f"pixels are {array.dtype} {list(array.shape)}",
            where=name,
            expected="uint8 [H, W], [H, W, C] or [N, H, W, C], C 1, 3 or 4",
        )
    for row, image in enumerate(array.reshape(-1, height, width, channels)):
        called = f"{name}[{row}]" if array.ndim == 4 else name
        yield ImageSource(called, partial(np.asarray, image))


def _of_folder(folder: Path, class_names: Sequence[str], say: Say) -> list[ImageSource]:
    names, ignored = _list(folder)
    note = ignored_note(ignored)
    if note:
        say(f"{shown(folder)}: {note}")
    if not names:
        expected = "files whose names end in .png, .jpg ... in it, or in folders below it"
        raise DataError("no image files", where=shown(folder), expected=expected)
    classes = _true_classes(folder, names, class_names, say)
    return [
        ImageSource(
            str(folder / name), partial(_file_of_folder, folder / name), classes.get(_top(name))
        )
        for name in names
    ]


def _list(folder: Path) -> tuple[list[str], set[str]]:
    """Sorted paths of the image files below a folder, and of what is none of them."""
    names: list[str] = []
    ignored: set[str] = set()
    for entry in FolderTree(folder).entries():
        litter = litter_of(entry.path)
        if litter is not None:
            ignored.add(litter)
        elif not entry.is_folder:
            suffix = PurePosixPath(entry.path).suffix.lower()
            # Images that cannot be read here are asked about all the same, and answered so.
            if suffix in IMAGE_SUFFIXES or suffix in FOREIGN_SUFFIXES:
                names.append(entry.path)
            else:
                ignored.add(entry.path)
    return sorted(names), ignored


def _top(name: str) -> str:
    """The folder directly below that a path begins with; "" for a file right there."""
    return name.partition("/")[0] if "/" in name else ""


def _true_classes(
    folder: Path, names: Iterable[str], class_names: Sequence[str], say: Say
) -> dict[str, int]:
    """Class index by folder, where every image lies in a folder that is called as a class is."""
    tops = sorted({_top(name) for name in names})
    # A folder's name may come decomposed from another system: "é" in two letters.
    labels = {unicodedata.normalize("NFC", name): label for label, name in enumerate(class_names)}
    known = {
        top: labels[unicodedata.normalize("NFC", top)]
        for top in tops
        if unicodedata.normalize("NFC", top) in labels
    }
    if len(known) == len(tops):
        return known
    if known:
        strange = [f"{top}/" if top else "images outside class folders" for top in tops]
        odd = [name for top, name in zip(tops, strange, strict=True) if top not in known]
        say(f"{shown(folder)}: no accuracy, for these are no classes: {listed(odd)}")
    return {}
