"""Images that stand more than once: byte for byte, or as two versions of one picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cnnlab.data.repeats import digests_of
from cnnlab.evaluation.audit.near import near_copies
from cnnlab.evaluation.audit.ties import tied

__all__ = ["Copies", "Duplicates", "copies_between", "find_duplicates"]

Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Duplicates:
    """Which images are copies of which.

    Attributes
    ----------
    first, second: int64 ``[K]``, the rows of a pair, ``first < second``. Of exact copies the first
        row stands for all: it is the ``first`` of each, and near copies are sought for it alone.
    likeness: float64 ``[K]``, 1 for exact copies.
    bits: int64 ``[K]``, by how many of 64 bits their hashes differ.
    mirrored: bool ``[K]``, whether it is the mirror image that is alike.
    exact: bool ``[K]``.
    groups: int64 ``[N]``, the lowest row of all that a row is tied to by pairs; itself for most.
    exact_groups: the same by exact copies alone.
    radius, thresholds: as in :class:`cnnlab.evaluation.audit.near.NearCopies`.
    """

    first: Rows
    second: Rows
    likeness: NDArray[np.float64]
    bits: Rows
    mirrored: NDArray[np.bool_]
    exact: NDArray[np.bool_]
    groups: Rows
    exact_groups: Rows
    radius: int
    thresholds: NDArray[np.float64]


@dataclass(frozen=True)
class Copies:
    """Images of one part that stand in another, or once more in the same.

    Attributes
    ----------
    part, other: names of parts; the same name: copies within it.
    exact, near: images of ``part`` with an exact copy, and with a near one only, in ``other``;
        within a part the first of them does not count.
    images: of ``part`` in all.
    """

    part: str
    other: str
    exact: int
    near: int
    images: int


def find_duplicates(images: NDArray[np.uint8], labels: Rows) -> Duplicates:
    """Find exact copies by digests, and near ones by their hashes, confirmed by their details.

    ``images`` is uint8 ``[N, H, W, C]``, ``labels`` int64 ``[N]``. Mirror images are found, too;
    images without contrast have exact copies only. See :mod:`cnnlab.evaluation.audit.near`.
    """
    leaders = _first_rows(images)
    rows = np.arange(len(images))
    copied = np.flatnonzero(leaders != rows)
    near = near_copies(images, labels, np.flatnonzero(leaders == rows))
    count = len(copied)
    first = np.concatenate([leaders[copied], near.first])
    second = np.concatenate([copied, near.second])
    return Duplicates(
        first=first,
        second=second,
        likeness=np.concatenate([np.ones(count), near.likeness]),
        bits=np.concatenate([np.zeros(count, np.int64), near.bits]),
        mirrored=np.concatenate([np.zeros(count, np.bool_), near.mirrored]),
        exact=np.arange(len(first)) < count,
        groups=tied(len(images), first, second),
        exact_groups=leaders,
        radius=near.radius,
        thresholds=near.thresholds,
    )


def copies_between(found: Duplicates, parts: Mapping[str, Rows]) -> list[Copies]:
    """Count the copies within each part and between each two, where there are any.

    ``parts`` are rows by name; a part's images are held against itself and those before it, as
    test images that stand in train are the worse ones.
    """
    names = list(parts)
    counted = []
    for place, part in enumerate(names):
        for other in names[: place + 1]:
            exact = _repeated(found.exact_groups, parts[part], parts[other], part == other)
            either = _repeated(found.groups, parts[part], parts[other], part == other)
            if either:
                counted.append(Copies(part, other, exact, either - exact, len(parts[part])))
    return counted


def _repeated(groups: Rows, rows: Rows, others: Rows, same: bool) -> int:
    if same:
        return len(rows) - len(np.unique(groups[rows]))
    return int(np.isin(groups[rows], groups[others]).sum())


def _first_rows(images: NDArray[np.uint8]) -> Rows:
    """The first row with the same bytes as each, int64 ``[N]``."""
    seen: dict[bytes, int] = {}
    digests = enumerate(digests_of(images, range(len(images))))
    return np.array([seen.setdefault(digest, row) for row, digest in digests], dtype=np.int64)
