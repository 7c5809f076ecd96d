"""Image files of every kind, each in a folder of class folders among sound ones.

One of four pictures is damaged; the others must come out right, and so must that one where it is
loaded at all. Silently wrong are other pixels than an independent decoder finds (``png.py``,
``gif.py``, ``bmp.py``; for the other kinds see ``photos.py``), and any pixels at all where it finds
the file damaged: a wrong checksum, missing rows.
"""

from __future__ import annotations

import io
import random
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from cnnlab.data import Dataset
from fuzzing.bmp import base_bmp, mutate_bmp, read_bmp
from fuzzing.case import Case, NotJudged
from fuzzing.gif import base_gif, mutate_gif, read_gif
from fuzzing.labelled import Expected, LabelledFamily, Pixels, base_pixels
from fuzzing.mutations import Mutation, mutate
from fuzzing.photos import (
    base_jpeg,
    base_ppm,
    base_tiff,
    base_webp,
    mutate_jpeg,
    mutate_ppm,
    mutate_tiff,
    mutate_webp,
)
from fuzzing.png import base_png, make_png, mutate_png, read_png

__all__ = ["IMAGES", "ImageFamily", "by_pillow", "class_folders"]

#: As many inputs are left sound, so that refusing everything would be noticed.
SOUND_SHARE = 0.03


def class_folders() -> dict[str, bytes]:
    """Three sound pictures in two classes, by path."""
    return {
        f"{name}/{number}.png": make_png(base_pixels(20 + number))
        for name, number in (("cat", 2), ("dog", 3), ("dog", 4))
    }


def by_pillow(data: bytes) -> Pixels:
    """What Pillow reads: uint8 ``[H, W, C]``, upright; C 1, 3 or 4."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Image.open(io.BytesIO(data)) as opened:
            opened.load()
            try:
                image = ImageOps.exif_transpose(opened)
            except Exception:  # unreadable EXIF says nothing
                image = opened.copy()
            see_through = opened.has_transparency_data
    if image.mode.startswith("I"):
        return np.rint(np.asarray(image).astype(float) / 257).astype(np.uint8)[..., None]
    if see_through:
        return np.asarray(image.convert("RGBA"))
    if image.mode in ("1", "L"):
        return np.asarray(image.convert("L"))[..., None]
    return np.asarray(image.convert("RGB"))


class ImageFamily(LabelledFamily):
    """One kind of image file."""

    def __init__(
        self,
        name: str,
        suffix: str,
        base: Callable[[random.Random], bytes],
        structural: Mutation,
        read: Callable[[bytes], Pixels] | None = None,
    ) -> None:
        self.name = name  # type: ignore[misc] # one class for many formats
        self._path = f"cat/1{suffix}"
        self._base, self._structural, self._read = base, structural, read

    def case(self, rng: random.Random) -> Case:
        data = self._base(rng)
        what: tuple[str, ...] = ()
        if rng.random() > SOUND_SHARE:
            data, what = mutate(rng, data, self._structural)
        files = {self._path: data, **class_folders()}
        return Case({f"set/{name}": content for name, content in files.items()}, "set", what)

    def expected(self, folder: Path, case: Case) -> Sequence[Expected]:
        rows = []
        for path in sorted(case.files):
            pixels = self._pixels((folder / path).read_bytes())
            tolerance = 2 if pixels.shape[2] == 4 else 0
            rows.append(Expected(pixels, Path(path).parent.name, tolerance=tolerance))
        return rows

    def judge(self, folder: Path, case: Case, made: Dataset) -> None:
        if self.name == "jpeg":
            side = max(by_pillow((folder / "set" / self._path).read_bytes()).shape[:2])
            if side > 2 * made.images.shape[1]:
                raise NotJudged("shrunk while it is decoded, as libjpeg does it")
        super().judge(folder, case, made)

    def _pixels(self, data: bytes) -> Pixels:
        read = read_png if data.startswith(b"\x89PNG") else self._read
        if read is None:
            return by_pillow(data)
        try:
            return read(data)
        except NotJudged:
            return by_pillow(data)


IMAGES = (
    ImageFamily("png", ".png", base_png, mutate_png, read_png),
    ImageFamily("jpeg", ".jpg", base_jpeg, mutate_jpeg),
    ImageFamily("gif", ".gif", base_gif, mutate_gif, read_gif),
    ImageFamily("bmp", ".bmp", base_bmp, mutate_bmp, read_bmp),
    ImageFamily("webp", ".webp", base_webp, mutate_webp),
    ImageFamily("tiff", ".tif", base_tiff, mutate_tiff),
    ImageFamily("ppm", ".ppm", base_ppm, mutate_ppm),
)
