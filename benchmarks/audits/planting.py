"""Faults to plant: wrong labels, and other versions of images."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["VERSIONS", "flip_labels", "plant_versions"]

Pixels = NDArray[np.uint8]


def flip_labels(
    labels: NDArray[np.int64], classes: int, *, share: float, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Give a share of the rows another class, each as likely; return labels and these rows."""
    generator = np.random.default_rng(seed)
    wrong = np.sort(generator.permutation(len(labels))[: round(share * len(labels))])
    flipped = labels.copy()
    flipped[wrong] = (labels[wrong] + generator.integers(1, classes, len(wrong))) % classes
    return flipped, wrong


def _recompressed(image: Pixels) -> Pixels:
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "JPEG", quality=60)
    return np.asarray(Image.open(stream))


def _resized(image: Pixels) -> Pixels:
    side = image.shape[0]
    small = Image.fromarray(image).resize((side * 3 // 4, side * 3 // 4))
    return np.asarray(small.resize((side, side)))


def _cropped(image: Pixels) -> Pixels:
    """2 of 32 pixels cut off at each side, the rest stretched."""
    side = image.shape[0]
    inner = Image.fromarray(image[2:-2, 2:-2])
    return np.asarray(inner.resize((side, side)))


def _shifted(image: Pixels) -> Pixels:
    return np.pad(image, ((2, 0), (0, 2), (0, 0)), mode="edge")[:-2, 2:]


def _grey(image: Pixels) -> Pixels:
    return np.asarray(Image.fromarray(image).convert("L").convert("RGB"))


def _noisy(image: Pixels) -> Pixels:
    noise = np.random.default_rng(int(image.sum())).normal(0, 8, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


#: What is done to an image, uint8 ``[H, W, 3]``.
VERSIONS: dict[str, Callable[[Pixels], Pixels]] = {
    "mirrored": lambda image: image[:, ::-1],
    "30% darker": lambda image: (image * 0.7).astype(np.uint8),
    "grey": _grey,
    "JPEG again, quality 60": _recompressed,
    "noise of 8 grey levels": _noisy,
    "scaled down to 24 pixels and up": _resized,
    "shifted by 2 pixels": _shifted,
    "cropped by 2 pixels a side": _cropped,
}


def plant_versions(
    images: Pixels, labels: NDArray[np.int64], *, each: int, seed: int
) -> tuple[Pixels, NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Append versions of drawn images, ``each`` of every kind, no image twice.

    Returns all images, all labels, and of the appended ones the row of the original and the
    number of the kind.
    """
    origin = np.random.default_rng(seed).permutation(len(images))[: each * len(VERSIONS)]
    kinds = np.arange(len(origin)) % len(VERSIONS)
    makers = list(VERSIONS.values())
    made = [makers[kind](images[row]) for kind, row in zip(kinds, origin, strict=True)]
    return (
        np.concatenate([images, np.stack(made)]),
        np.concatenate([labels, labels[origin]]),
        origin,
        kinds,
    )
