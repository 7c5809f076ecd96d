"""NumPy ``.npz`` files of images and labels, as Keras and MedMNIST write them; never a pickle."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnlab.data.decoding import check_form
from cnnlab.data.forms.npz_keys import Pair, find_class_names, find_pairs
from cnnlab.data.forms.npz_labels import places_in, read_labels
from cnnlab.data.forms.npz_members import Member, Npz, open_npz
from cnnlab.data.forms.pixels import choose_white, range_of, to_uint8
from cnnlab.data.images import fit_pixels
from cnnlab.data.labels import check_parts
from cnnlab.data.source import Allocate, Decoded, Found, PathForm, ReadOptions, SourceOptions
from cnnlab.data.tree import file_identity, listed, shown
from cnnlab.errors import DataError
from cnnlab.options import Number, OrNone, Text

__all__ = ["FORM", "read_npz"]

_OPTIONS: SourceOptions = {
    "images_key": Text(meaning="the array of images, where the names do not tell"),
    "labels_key": Text(meaning="the array of labels, where the names do not tell"),
    "white": OrNone(
        Number(255.0, 0.0, 2.0**32, open_low=True, meaning="the value of white pixels")
    ),
}

_CHANNELS = (1, 3, 4)
_MAX_SIDE = 4096


@dataclass(frozen=True)
class _Images:
    """The images of one part, whichever way their axes stand; ``shape`` is [N, H, W, C]."""

    array: Member
    shape: tuple[int, int, int, int]
    channels_first: bool

    def blocks(self) -> Iterator[NDArray[Any]]:
        """Yield ``[n, H, W, C]`` of the array's own type."""
        for block in self.array.blocks():
            if block.ndim == 3:
                yield block[..., None]
            else:
                yield np.moveaxis(block, 1, -1) if self.channels_first else block


def _recognise(path: Path) -> Found | None:
    """Return a file whose name ends in ``.npz``; None for every other path."""
    if path.suffix.lower() == ".npz" and path.is_file():
        return Found(path, file_identity(path))
    return None


def read_npz(found: Found, options: ReadOptions, allocate: Allocate) -> Decoded:
    """Read images and labels: uint8 ``[N, H, W, C]``, in the file's own size where none is asked.

    Images are ``[N, H, W]``, ``[N, H, W, C]`` or ``[N, C, H, W]``; which value is white is found
    out by :func:`cnnlab.data.forms.pixels.choose_white`. Labels are read by
    :func:`cnnlab.data.forms.npz_labels.read_labels`. Raises :class:`DataError` naming file, key and
    index.
    """
    check_form(options)
    with open_npz(found.path) as npz:
        keys = (options.own["images_key"], options.own["labels_key"])
        pairs = find_pairs(npz, *(str(key) if key else None for key in keys))
        names = find_class_names(npz)
        images = [_arranged(pair) for pair in pairs]
        parts = {pair.part: part.shape[0] for pair, part in zip(pairs, images, strict=True)}
        labels = [pair.labels for pair in pairs]
        labelled = read_labels(labels, names)
        labelled = check_parts(labelled, parts, places_in(labels), shown(found.path))
        pixels, notes = _read_pixels(images, options, allocate)
    return Decoded(
        images=pixels,
        labels=labelled.labels,
        class_names=labelled.class_names,
        parts=parts,
        notes=(*labelled.notes, *notes, *_left_out(npz, pairs, names)),
    )


def _arranged(pair: Pair) -> _Images:
    """Find out which axes are which, and that there are as many labels as images."""
    array, shape = pair.images, pair.images.shape
    if len(shape) == 3:
        arranged, channels_first = (*shape, 1), False
    elif len(shape) == 4 and (shape[3] in _CHANNELS or shape[1] in _CHANNELS):
        channels_first = shape[3] not in _CHANNELS
        arranged = (shape[0], shape[2], shape[3], shape[1]) if channels_first else shape
    else:
        raise DataError(
            f"images of shape {list(shape)}",
            where=array.where,
            expected="[N, H, W], [N, H, W, C] or [N, C, H, W], C being 1, 3 or 4",
            todo="reshape them, e.g. images.reshape(-1, 28, 28)" if len(shape) == 2 else None,
        )
    count, height, width, channels = arranged
    if not count:
        raise DataError("there are no images", where=array.where)
    if not (1 <= height <= _MAX_SIDE and 1 <= width <= _MAX_SIDE):
        raise DataError(
            f"images of {height}x{width} pixels",
            where=array.where,
            expected=f"1 to {_MAX_SIDE:,} a side",
        )
    if pair.labels.shape[:1] != (count,):
        raise DataError(
            f"labels of shape {list(pair.labels.shape)} for {count:,} images",
            where=pair.labels.where,
            expected=f"[{count}], as many as in {shown(array.key)}",
        )
    return _Images(array, (count, height, width, channels), channels_first)


def _read_pixels(
    images: Sequence[_Images], options: ReadOptions, allocate: Allocate
) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    first = images[0]
    for part in images[1:]:
        if part.shape[1:] != first.shape[1:]:
            raise DataError(
                f"images of {list(part.shape[1:])}",
                where=part.array.where,
                expected=f"{list(first.shape[1:])} as in {shown(first.array.key)}",
            )
    white_asked = options.own["white"]
    asked = None if white_asked is None else float(white_asked)
    values = [
        range_of(
            part.blocks(),
            part.array.dtype,
            shown(part.array.key),
            part.array.where,
            look=asked is not None,
        )
        for part in images
    ]
    white, notes = choose_white(values, asked)
    height, width = 2 * (options.image_size,) if options.image_size else first.shape[1:3]
    channels = options.channels or first.shape[3]
    pixels = allocate((sum(part.shape[0] for part in images), height, width, channels))
    row = 0
    for part in images:
        for block in part.blocks():
            for image in to_uint8(block, white):
                pixels[row] = fit_pixels(image, height=height, width=width, channels=channels)
                row += 1
    return pixels, (*(note for part in images for note in _axes_note(part)), *notes)


def _axes_note(images: _Images) -> list[str]:
    """Say how axes were taken where their order is not the usual one, or not certain."""
    shape = images.array.shape
    if images.channels_first:
        return [f"{images.array} is taken as [N, C, H, W]"]
    if len(shape) == 4 and shape[1] in _CHANNELS:
        return [f"{images.array} is taken as [N, H, W, C]"]
    return []


def _left_out(npz: Npz, pairs: Sequence[Pair], names: Member | None) -> list[str]:
    used = {key for pair in pairs for key in (pair.images.key, pair.labels.key)}
    left = [key for key in (*npz.arrays, *npz.refused) if key not in used]
    left = [key for key in left if names is None or key != names.key]
    return [f"not used: {listed(left)}"] if left else []


#: A file of NumPy arrays.
FORM = PathForm(_recognise, read_npz, _OPTIONS)
