"""The corruptions by name, and the one way to apply them."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cnnlab.data.corruptions.batch import Batch, Draws, Levels, as_levels
from cnnlab.errors import InputError, UnknownNameError
from cnnlab.registry import Registry, suggestion

__all__ = [
    "CORRUPTIONS",
    "FAMILIES",
    "SEVERITIES",
    "VERSION",
    "Corruption",
    "chosen_corruptions",
    "corrupt",
    "corruption",
]

#: Raised when the same image, corruption and severity come to give other pixels.
VERSION = 1
SEVERITIES = (1, 2, 3, 4, 5)
#: In the paper's order.
FAMILIES = ("noise", "blur", "weather", "digital")

#: Takes a batch and a severity; gives levels, or uint8 images where it makes whole ones.
Apply = Callable[[Batch, int], Levels | NDArray[np.uint8]]


@dataclass(frozen=True)
class Corruption:
    """One way in which images go bad.

    Attributes
    ----------
    name: what users type.
    title: what figures and reports say.
    family: one of :data:`FAMILIES`.
    order: its place in the family.
    """

    name: str
    title: str
    family: str
    order: int
    apply: Apply

    @property
    def key(self) -> int:
        """The whole number that its random numbers depend on."""
        return zlib.crc32(self.name.encode())


#: Every corruption, by name.
CORRUPTIONS: Registry[Corruption] = Registry("corruption")


def corruption(name: str, *, family: str, title: str) -> Callable[[Apply], Apply]:
    """Register the function that it decorates; a family's stand in the order of its file."""

    def register(apply: Apply) -> Apply:
        order = sum(CORRUPTIONS.get(other).family == family for other in CORRUPTIONS)
        CORRUPTIONS.add(name, Corruption(name, title, family, order, apply))
        return apply

    return register


def _place(entry: Corruption) -> tuple[int, int]:
    return FAMILIES.index(entry.family), entry.order


def chosen_corruptions(names: Sequence[str] | None = None) -> list[Corruption]:
    """The corruptions of some names or families, each once, in the paper's order; None: all.

    Raises ``UnknownNameError`` for a name that is neither.
    """
    every = sorted(map(CORRUPTIONS.get, CORRUPTIONS), key=_place)
    if names is None:
        return every
    for name in names:
        if name not in FAMILIES and name not in CORRUPTIONS:
            todo = suggestion(name, [*FAMILIES, *(entry.name for entry in every)])
            raise UnknownNameError(f"no corruption is called '{name}'", todo=todo)
    return [entry for entry in every if entry.name in names or entry.family in names]


def corrupt(
    images: NDArray[np.uint8], name: str, severity: int, indices: NDArray[np.int64]
) -> NDArray[np.uint8]:
    """Corrupt images as CIFAR-10-C does (D. Hendrycks, T. Dietterich, ICLR 2019, 1903.12261).

    Parameters
    ----------
    images: uint8 ``[N, H, W, C]`` of any size, C 1 (grey) or 3 (red, green, blue).
    name: one of :data:`CORRUPTIONS`.
    severity: 1 to 5.
    indices: int64 ``[N]``. What is random in an image depends on corruption, severity and this
        number alone: not on the other images, nor on how many are given at once.

    Returns
    -------
    uint8 ``[N, H, W, C]``. Levels are rounded to the nearest; the paper's program cuts their
    fractions off, which makes its images half a level (0.2%) darker.

    Raises ``UnknownNameError`` for the name, :class:`InputError` for anything else.
    """
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] not in (1, 3):
        raise InputError(
            f"images are {images.dtype} {list(images.shape)}",
            expected="uint8 [N, H, W, C], C 1 or 3",
        )
    if severity not in SEVERITIES:
        raise InputError(f"severity {severity}", expected="a whole number from 1 to 5")
    if indices.shape != images.shape[:1]:
        raise InputError(f"{indices.shape} indices for {len(images)} images", expected="one each")
    entry = CORRUPTIONS.get(name)
    if not images.size:
        return images.copy()
    found = entry.apply(Batch(images, Draws((entry.key, severity), indices)), severity)
    if found.dtype == np.uint8:
        return np.asarray(found, dtype=np.uint8)
    rounded = np.rint(np.clip(as_levels(found), 0, 1) * np.float32(255))
    return np.asarray(rounded, dtype=np.uint8)
