"""Perceptual hashes: 64 bits of an image that survive what does not change what is seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cnnlab.evaluation.audit.blocks import blocks

__all__ = ["Hashes", "grey_of", "hash_images", "resampling"]

#: Images are brought to this side first, and so many frequencies a direction are kept.
_SIDE, _KEPT = 32, 8

#: A shift is this part of a side: 2 of 32 pixels, the largest that likeness allows for.
_SHIFT_PARTS = 16
_SHIFTS = [(up, left) for up in (-1, 0, 1) for left in (-1, 0, 1) if up or left]

#: ITU-R BT.601 luma.
_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)

#: Frequencies of less than this (of a pixel's 255 steps) are rounding: such an image is flat.
_FLAT = 1e-2


@dataclass(frozen=True, eq=False)
class Hashes:
    """The hashes of images.

    Attributes
    ----------
    plain: uint64 ``[N]``.
    mirrored: uint64 ``[N]``, those of the images turned left to right.
    shifted: uint64 ``[8, N]``, those of the images shifted by a sixteenth of their side, with their
        borders repeated: up, down, left, right and between these.
    flat: bool ``[N]``, images without any contrast, whose hashes say nothing.
    """

    plain: NDArray[np.uint64]
    mirrored: NDArray[np.uint64]
    shifted: NDArray[np.uint64]
    flat: NDArray[np.bool_]

    def of(self, chosen: NDArray[np.bool_]) -> Hashes:
        """The hashes of some of the images."""
        columns = self.plain[chosen], self.mirrored[chosen], self.shifted[:, chosen]
        return Hashes(*columns, self.flat[chosen])


def hash_images(images: NDArray[np.uint8], rows: NDArray[np.int64]) -> Hashes:
    """Hash the rows of uint8 images ``[M, H, W, C]`` by their lowest frequencies.

    C. Zauner, "Implementation and benchmarking of perceptual image hash functions", 2010, 3.2:
    the grey image at 32x32 pixels, its discrete cosine transform, and of the 8x8 coefficients
    after the constant ones in each direction a bit each, whether it is above their median. A
    mirror image has the same coefficients with every second column's sign turned, so its hash
    costs no second transform.
    """
    down, across = (_frequencies_when_shifted(size) for size in images.shape[1:3])
    signs = np.where(np.arange(1, _KEPT + 1) % 2, -1, 1).astype(np.float32)
    plain, mirrored = np.empty(len(rows), np.uint64), np.empty(len(rows), np.uint64)
    shifted = np.empty((len(_SHIFTS), len(rows)), np.uint64)
    flat = np.empty(len(rows), np.bool_)
    for block in blocks(len(rows), images.shape[1:]):
        grey = grey_of(images[rows[block]])
        half = {step: grey @ matrix.T for step, matrix in across.items()}
        found = np.matmul(down[0], half[0])
        plain[block], mirrored[block] = _bits(found), _bits(found * signs)
        flat[block] = np.abs(found).max(axis=(1, 2)) < _FLAT
        for number, (up, left) in enumerate(_SHIFTS):
            shifted[number, block] = _bits(np.matmul(down[up], half[left]))
    return Hashes(plain, mirrored, shifted, flat)


def grey_of(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Luma of uint8 ``[N, H, W, C]``, transparency over white; float32 ``[N, H, W]``, 0 to 255."""
    if images.shape[3] < 3:
        return images[..., 0].astype(np.float32)
    luma = np.asarray(images[..., :3].astype(np.float32) @ _LUMA, dtype=np.float32)
    if images.shape[3] == 4:
        alpha = images[..., 3].astype(np.float32) / 255
        luma = np.asarray(luma * alpha + 255 * (1 - alpha), dtype=np.float32)
    return luma


def resampling(size: int, target: int) -> NDArray[np.float32]:
    """The matrix ``[target, size]`` that averages pixels over the area of each new one."""
    edges = np.arange(target + 1) * (size / target)
    pixels = np.arange(size)
    low = np.maximum(edges[:-1, None], pixels[None, :])
    high = np.minimum(edges[1:, None], pixels[None, :] + 1)
    weights = np.maximum(high - low, 0)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), dtype=np.float32)


def _frequencies(size: int) -> NDArray[np.float32]:
    """Resampling to 32 pixels and the DCT's rows 1 to 8 (orthonormal), in one: ``[8, size]``."""
    places = 2 * np.arange(_SIDE) + 1
    numbers = np.arange(1, _KEPT + 1)
    waves = np.sqrt(2 / _SIDE) * np.cos(np.pi * numbers[:, None] * places / (2 * _SIDE))
    return np.asarray(waves.astype(np.float32) @ resampling(size, _SIDE), dtype=np.float32)


def _frequencies_when_shifted(size: int) -> dict[int, NDArray[np.float32]]:
    """:func:`_frequencies` of what is shifted by -1, 0 and 1 sixteenths of ``size``."""
    plain, step = _frequencies(size), max(1, round(size / _SHIFT_PARTS))
    found = {}
    for sign in (-1, 0, 1):
        comes_from = np.clip(np.arange(size) + sign * step, 0, size - 1)
        taken = np.eye(size, dtype=np.float32)[comes_from]
        found[sign] = plain @ taken
    return found


def _bits(coefficients: NDArray[np.float32]) -> NDArray[np.uint64]:
    """Pack which of the 64 coefficients of each image are above its median."""
    flat = coefficients.reshape(len(coefficients), -1)
    above = flat > np.median(flat, axis=1, keepdims=True)
    bits: NDArray[np.uint64] = np.packbits(above, axis=1).view(np.uint64)[:, 0]
    return bits
