"""The handwritten digits that scikit-learn carries: real images without any download."""

from __future__ import annotations

import hashlib
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cnnlab.data.source import NO_OPTIONS, SOURCES, Allocate, Decoded, Found, ReadOptions, Say
from cnnlab.errors import ChecksumError, DataError

__all__ = ["Digits", "upscale"]

#: SHA-256 over the 1,797 x 64 values (0 to 16, one byte each) and then the labels.
_SHA256 = "87ff0c9e40dc7e2c0e34e7257799c2e3f3aec1a016363bb11cad869ec428a826"
_FACTOR = 4
_WHITE = 16


def upscale(images: NDArray[np.uint8], *, white: int, factor: int) -> NDArray[np.uint8]:
    """Enlarge grey images by bilinear interpolation and spread 0..``white`` over 0..255.

    Pixel centres are aligned and edges repeated. The arithmetic is in whole numbers, so that
    every machine gives the same bytes.

    Parameters
    ----------
    images: ``[N, H, W]``, values 0 to ``white``.
    factor: how many times higher and wider; even.

    Returns
    -------
    uint8 ``[N, H * factor, W * factor]``.
    """
    rows, columns = (_weights(size, factor) for size in images.shape[1:])
    sums = rows @ images.astype(np.int64) @ columns.T
    whole = white * (2 * factor) ** 2
    return ((sums * 255 + whole // 2) // whole).astype(np.uint8)


def _weights(size: int, factor: int) -> NDArray[np.int64]:
    """Weights ``[size * factor, size]`` of bilinear interpolation, in units of 1/(2 factor)."""
    weights = np.zeros((size * factor, size), dtype=np.int64)
    for target in range(size * factor):
        position = 2 * target + 1 - factor  # in units of 1/(2 factor), from the first centre
        low, share = divmod(position, 2 * factor)
        weights[target, min(max(low, 0), size - 1)] += 2 * factor - share
        weights[target, min(max(low + 1, 0), size - 1)] += share
    return weights


class Digits:
    """Scikit-learn's copy of the test part of UCI's "Optical Recognition of Handwritten Digits".

    1,797 grey images of 8x8 pixels with 17 levels (E. Alpaydin, C. Kaynak, 1998), delivered at
    32x32 pixels with 256 levels. There is no official division: all rows are ``train``.
    """

    name = "digits"
    title = "Digits"
    description = "1,797 handwritten digits, 10 classes, 8x8 grey shown at 32x32; no download"
    options = NO_OPTIONS
    follows_form = False

    def find(self) -> Found | None:
        """Return the file inside the installed scikit-learn; None where it is not installed."""
        spec = find_spec("sklearn")
        if spec is None or spec.origin is None:
            return None
        path = Path(spec.origin).parent / "datasets" / "data" / "digits.csv.gz"
        return Found(path, {"scikit-learn": version("scikit-learn"), "factor": _FACTOR})

    def fetch(self, say: Say, *, time_limit_seconds: float | None = None) -> Found:
        """Return what :meth:`find` does: there is nothing to download."""
        del time_limit_seconds  # nothing here takes time
        found = self.find()
        if found is None:
            raise DataError(
                "scikit-learn, which carries the digits, is not installed",
                todo="install it: python -m pip install scikit-learn",
            )
        say("the digits come with scikit-learn: nothing to download")
        return found

    def read(self, found: Found, options: ReadOptions, allocate: Allocate) -> Decoded:
        """Verify and enlarge: uint8 ``[1797, 32, 32, 1]``."""
        del options  # its images come in one form
        from sklearn.datasets import load_digits

        try:
            bunch = load_digits()
        except (OSError, ValueError, EOFError) as error:
            raise DataError(
                f"scikit-learn cannot read its digits: {error}",
                where=found.path,
                todo="install scikit-learn again",
            ) from error
        small = np.asarray(bunch.images).astype(np.uint8)
        labels = np.asarray(bunch.target).astype(np.int64)
        digest = hashlib.sha256(small.tobytes() + labels.astype(np.uint8).tobytes()).hexdigest()
        if digest != _SHA256:
            raise ChecksumError(
                f"the digits have SHA-256 {digest}",
                where=found.path,
                expected=_SHA256,
                todo="install scikit-learn again",
            )
        count, height, width = small.shape
        images = allocate((count, height * _FACTOR, width * _FACTOR, 1))
        images[..., 0] = upscale(small, white=_WHITE, factor=_FACTOR)
        return Decoded(
            images=images,
            labels=labels,
            class_names=tuple("0123456789"),
            parts={"train": count},
            notes=("enlarged from 8x8 to 32x32 pixels by bilinear interpolation",),
        )


SOURCES.add(Digits.name, Digits())
