"""Which images train, which choose, which report: drawn once, saved, never drawn again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cnnlab.data.dataset import Dataset
from cnnlab.errors import DataError

__all__ = ["Split", "SplitSizes", "draw_split"]

Rows = NDArray[np.int64]
#: Which side of a division is to train on.
_Train = Literal["taken", "rest"]


@dataclass(frozen=True)
class SplitSizes:
    """How many images go where: a count, a fraction of what is divided, or None (the default).

    The defaults: a part that the source itself defines is used whole; ``validation`` is as large
    as the test part, at most a fifth of the training part; without a test part, test is a sixth
    of all images and validation another sixth; ``train`` is all that is left.
    """

    train: int | float | None = None
    validation: int | float | None = None
    test: int | float | None = None


@dataclass(frozen=True, eq=False)
class Split:
    """Row indices (int64, ascending within validation and test) into one dataset.

    ``train`` keeps the drawn order: sequential training takes it chunk by chunk.
    """

    train: Rows
    validation: Rows
    test: Rows

    def __post_init__(self) -> None:
        together = np.concatenate([self.train, self.validation, self.test])
        if len(np.unique(together)) != len(together):
            raise DataError("an image stands in two parts of the split")

    def rows(self, name: str) -> Rows:
        """Rows of "train", "validation" or "test"."""
        rows: Rows = getattr(self, name)
        return rows


def _count(size: int | float | None, whole: int, default: int, name: str) -> int:
    count = default if size is None else round(size * whole) if isinstance(size, float) else size
    if not 0 <= count <= whole:
        raise DataError(
            f"{name} of {size}", where="split", expected=f"0 to {whole} images or a share of 1"
        )
    return count


def _take(
    pool: Rows, count: int, labels: NDArray[np.int64] | None, *, train: _Train | None = None
) -> tuple[Rows, Rows]:
    """Divide a shuffled pool into its last ``count`` rows and the rest, by class if asked.

    ``train`` says which of the two is to train on: as many classes as can be keep an image there.
    """
    if labels is None:
        return pool[len(pool) - count :], pool[: len(pool) - count]
    classes = labels[pool]
    places = np.split(np.argsort(classes, kind="stable"), np.cumsum(np.bincount(classes))[:-1])
    chosen = np.zeros(len(pool), dtype=bool)
    for place, share in zip(places, _shares(places, count, len(pool), train), strict=True):
        chosen[place[len(place) - share :]] = True
    return pool[chosen], pool[~chosen]


def _shares(places: list[Rows], count: int, whole: int, train: _Train | None) -> list[int]:
    """How many of ``count`` rows each class gives: its share to within one row, exact in total.

    What is left after rounding down goes to the largest remainders (Hamilton's method); where
    these are equal, to the class whose next row stands last in the pool, which is chance. A class
    that would have no row to train on gives one less, or more, and others make up for it.
    """
    sizes = [len(place) for place in places]
    shares = [count * size // max(whole, 1) for size in sizes]

    def claim(label: int) -> tuple[int, int]:
        place, share = places[label], shares[label]
        following = int(place[len(place) - share - 1]) if share < len(place) else -1
        return count * len(place) - share * whole, following

    order = sorted(range(len(sizes)), key=claim, reverse=True)
    kept = 1 if train == "rest" else 0
    left = _add(shares, order, count - sum(shares), [size - kept for size in sizes])
    _add(shares, order, left, sizes)
    present = [label for label, size in enumerate(sizes) if size]
    if train == "taken" and count >= len(present):
        absent = [label for label in present if not shares[label]]
        over = sorted(order, key=lambda label: claim(label)[0])
        for label in absent:
            shares[label] = 1
        _remove(shares, over, len(absent))
    return shares


def _add(shares: list[int], order: list[int], left: int, most: list[int]) -> int:
    """Add one row a class in turn while there are any; return how many nobody could give."""
    while left and order:
        order = [label for label in order if shares[label] < most[label]]
        for label in order[:left]:
            shares[label] += 1
        left -= min(left, len(order))
    return left


def _remove(shares: list[int], order: list[int], excess: int) -> None:
    """Take ``excess`` rows away, one a class in turn, and from none its last."""
    while excess:
        order = [label for label in order if shares[label] > 1]
        for label in order[:excess]:
            shares[label] -= 1
        excess -= min(excess, len(order))


def draw_split(dataset: Dataset, sizes: SplitSizes, *, seed: int, stratify: bool) -> Split:
    """Draw a split that is a function of the dataset, the sizes and the seed alone.

    With ``stratify`` each part has the classes in their shares; every class keeps an image to
    train on where the sizes allow it.

    Raises :class:`DataError` where the sizes do not fit or training would get no image.
    """
    generator = np.random.default_rng([seed, 0x5B117])
    labels = dataset.labels if stratify else None
    pool = generator.permutation(dataset.rows_of("train"))
    whole = len(dataset)
    own_test, own_validation = dataset.rows_of("test"), dataset.rows_of("validation")
    if len(own_test):
        test = generator.permutation(own_test)
        test = _take(test, _count(sizes.test, len(test), len(test), "test"), labels)[0]
    else:
        count = _count(sizes.test, len(pool), round(whole / 6), "test")
        test, pool = _take(pool, count, labels, train="rest")
    if len(own_validation):
        validation = generator.permutation(own_validation)
        count = _count(sizes.validation, len(validation), len(validation), "validation")
        validation = _take(validation, count, labels)[0]
    else:
        default = min(len(test) or whole // 6, round(len(pool) / 5))
        count = _count(sizes.validation, len(pool), default, "validation")
        validation, pool = _take(pool, count, labels, train="rest")
    count = _count(sizes.train, len(pool), len(pool), "train")
    # The kept rows are the first of the shuffled pool, so a smaller training part is a subset
    # of a larger one drawn with the same seed.
    train = pool[:count] if labels is None else _take(pool, count, labels, train="taken")[0]
    if not len(train):
        raise DataError("no image is left to train on", where="split", todo="ask for smaller parts")
    return Split(train=train, validation=np.sort(validation), test=np.sort(test))
