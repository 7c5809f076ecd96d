"""Near copies: two versions of one picture, told from two pictures of the same kind."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cnnlab.evaluation.audit.hashing import Hashes, hash_images
from cnnlab.evaluation.audit.likeness import WORTH_A_LOOK, likeness_of
from cnnlab.evaluation.audit.neighbours import pairs_within
from cnnlab.evaluation.audit.ties import tied

__all__ = ["LEAST_LIKENESS", "RADII", "NearCopies", "near_copies"]

#: Bits of 64 by which hashes may differ: the largest of these that leaves few enough candidates.
RADII = (0, 2, 4, 6, 10, 14)
#: What was shifted is shifted back before it is hashed: only borders and what lies between two
#: steps still differ. The next multiple of four would be five times as slow.
_SHIFTED_RADIUS = 11
#: Candidates an image. Where there are more, images are so much alike that hashes tell little. Of
#: one image no more than twice as many count: a crowd among others is no reason to look less far.
_CANDIDATES_AN_IMAGE, _ALWAYS = 2, 20_000
#: As many later images are held against each, the nearest bits first. In a crowd of versions of
#: one picture each is so tied to some, and through them to all.
_PARTNERS = 32

#: The likeness that a near copy has at least. Of CIFAR-10-JPEG's candidate pairs those of like
#: layout thin out before 0.5, and nearly all above are one photograph: docs/results/log.md.
LEAST_LIKENESS = 0.5
#: Where images of a class are as much alike by chance, copies must stand out: by so many
#: deviations above the median likeness of random pairs of the class (of a hundred million normal
#: draws none lies further off) ...
_DEVIATIONS = 6.0
#: ... but what is as much alike as this counts everywhere.
_CERTAIN = 0.98
#: Random pairs that are compared, in all and of each class.
_RANDOM_PAIRS, _FEWEST_PAIRS = 10_000, 50

Rows = NDArray[np.int64]

Flags = NDArray[np.bool_]

#: First and second places, bits by which the hashes differ, whether the mirror image is meant, and
#: whether the second one was shifted for it.
_Candidates = tuple[Rows, Rows, Rows, Flags, Flags]
_NO_ROWS, _NO_FLAGS = np.empty(0, np.int64), np.empty(0, np.bool_)
_NONE: _Candidates = (_NO_ROWS, _NO_ROWS, _NO_ROWS, _NO_FLAGS, _NO_FLAGS)


@dataclass(frozen=True, eq=False)
class NearCopies:
    """Pairs of images that show the same picture.

    Attributes
    ----------
    first, second: int64 ``[K]``, rows, ``first < second``.
    likeness: float64 ``[K]``, see :func:`cnnlab.evaluation.audit.likeness.likeness_of`.
    bits: int64 ``[K]``, by how many of 64 bits their hashes differ.
    mirrored: bool ``[K]``, whether it is the mirror image that is alike.
    radius: the bits that hashes were allowed to differ by.
    thresholds: float64 ``[C]``, the likeness asked for in each class; of two classes the higher.
    """

    first: Rows
    second: Rows
    likeness: NDArray[np.float64]
    bits: Rows
    mirrored: NDArray[np.bool_]
    radius: int
    thresholds: NDArray[np.float64]


def near_copies(images: NDArray[np.uint8], labels: Rows, rows: Rows) -> NearCopies:
    """Find the near copies among ``rows`` (whose bytes differ) of uint8 ``[N, H, W, C]``.

    ``labels`` int64 ``[N]`` say which images are of one kind: how much these are alike by chance
    is measured on random pairs. Raises nothing; no rows give no pairs.
    """
    hashes = hash_images(images, rows)
    seen = ~hashes.flat
    rows, hashes = rows[seen], hashes.of(seen)
    (first, second, bits, mirrored, shifted), radius = _candidates(hashes)
    first, second = rows[first], rows[second]
    likeness = np.empty(len(first))
    # What was shifted need not correlate before it is shifted back.
    for some, least in ((~shifted, WORTH_A_LOOK), (shifted, -1.0)):
        pairs = first[some], second[some], mirrored[some]
        likeness[some] = likeness_of(images, *pairs, least_alike=least)
    certain = likeness >= _CERTAIN
    groups = tied(len(images), first[certain], second[certain])
    thresholds = _thresholds(images, labels, rows[groups[rows] == rows])
    wanted = np.maximum(thresholds[labels[first]], thresholds[labels[second]])
    kept = np.flatnonzero(likeness >= wanted)
    # A symmetric picture is found both ways: the more alike one stays.
    order = kept[np.lexsort((-likeness[kept], second[kept], first[kept]))]
    again = (np.diff(first[order]) == 0) & (np.diff(second[order]) == 0)
    order = order[np.concatenate([[True], ~again])[: len(order)]]
    found = first[order], second[order], likeness[order], bits[order], mirrored[order]
    return NearCopies(*found, radius, thresholds)


def _candidates(hashes: Hashes) -> tuple[_Candidates, int]:
    """Pairs ``i < j`` by their hashes, plain, mirrored and shifted, within the largest radius.

    Images of one hash are candidates however many there are.
    """
    most = max(_ALWAYS, _CANDIDATES_AN_IMAGE * len(hashes.plain))
    best, largest = _NONE, 0
    for radius in RADII:
        found = _pairs(hashes, radius, most if radius else math.inf)
        if found is None:
            break
        best, largest = found, radius
    return best, largest


def _pairs(hashes: Hashes, radius: int, most: float = math.inf) -> _Candidates | None:
    """Pairs within a radius, at most :data:`_PARTNERS` of each first image and kind of hash.

    None where more than ``most`` count.
    """
    found: list[_Candidates] = [_NONE]
    counted = 0
    kinds = (
        ((False, False), hashes.plain[None], radius),
        ((True, False), hashes.mirrored[None], radius),
        ((False, True), hashes.shifted, min(radius, _SHIFTED_RADIUS)),
    )
    for flags, views, within in kinds:
        had = np.zeros(len(hashes.plain), np.int64)
        for others in views:
            for left, right, bits in pairs_within(hashes.plain, others, within):
                kept = _first_ones(left, had)
                mirror, shift = (np.full(len(kept), flag) for flag in flags)
                found.append((left[kept], right[kept], bits[kept], mirror, shift))
                if counted + _counted(had) > most:
                    return None
        counted += _counted(had)
    one, two, bits, mirror, shift = (np.concatenate(column) for column in zip(*found, strict=True))
    return one, two, bits, mirror, shift


def _counted(had: Rows) -> int:
    return int(np.minimum(had, 2 * _CANDIDATES_AN_IMAGE).sum())


def _first_ones(left: Rows, had: Rows) -> Rows:
    """Places of the first pairs of each row, up to the limit; ``had`` is brought up to date."""
    order = np.argsort(left, kind="stable")
    rows = left[order]
    starts = np.flatnonzero(np.diff(rows, prepend=-1))
    rank = np.arange(len(rows)) - np.repeat(starts, np.diff(starts, append=len(rows)))
    kept = order[had[rows] + rank < _PARTNERS]
    had += np.bincount(left[kept], minlength=len(had))
    return np.sort(kept)


def _thresholds(images: NDArray[np.uint8], labels: Rows, apart: Rows) -> NDArray[np.float64]:
    """The likeness to ask for in each class, by that of random pairs of its images.

    ``apart``: rows that stand for the versions of a picture, one each. Pairs of versions are no
    random pairs, and where most images are versions of one they would hide all others.
    """
    generator = np.random.default_rng(0)
    classes = int(labels.max(initial=0)) + 1
    each = max(_FEWEST_PAIRS, _RANDOM_PAIRS // classes)
    thresholds = np.full(classes, LEAST_LIKENESS)
    for label in range(classes):
        rows = apart[labels[apart] == label]
        left, right = generator.integers(0, len(rows), (2, each)) if len(rows) else ([], [])
        left, right = rows[left], rows[right]
        two = left != right
        if np.count_nonzero(two) < _FEWEST_PAIRS // 2:
            continue
        upright = np.zeros(int(two.sum()), np.bool_)
        alike = likeness_of(images, left[two], right[two], upright, least_alike=-1.0)
        middle = np.median(alike)
        deviation = 1.4826 * np.median(np.abs(alike - middle))
        level = middle + _DEVIATIONS * deviation
        thresholds[label] = min(max(LEAST_LIKENESS, float(level)), _CERTAIN)
    return thresholds
