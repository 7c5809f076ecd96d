"""How near a file's logits are to the network's, and when that is near enough."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["BATCHES", "TIE", "TOLERANCE", "BatchParity", "Parity", "allowed", "batch_parity"]

#: Batch sizes that a file is tried with.
BATCHES = (1, 2, 7, 256)
#: The largest difference of two logits that counts as none ...
TOLERANCE = 1e-4
#: ... or, if that is more, so many units in the last place of the image's largest logit: above
#: about 26 a float32 has no room for the former in a sum of many terms taken in another order.
_UNITS = 32
_UNIT = 2.0**-23
#: Where the two largest logits are nearer than this (scaled likewise), either class will do.
TIE = 2 * TOLERANCE
#: The largest difference of two probabilities.
PROBABILITY_TOLERANCE = 1e-5


def allowed(reference: NDArray[np.float32]) -> NDArray[np.float64]:
    """The largest difference that counts as none, for each image of ``[N, C]`` logits."""
    largest = np.abs(reference.astype(np.float64)).max(axis=1)
    return np.asarray(np.maximum(TOLERANCE, _UNITS * _UNIT * largest))


@dataclass(frozen=True)
class BatchParity:
    """Images that were given so many at a time, held against the network's own logits.

    Attributes
    ----------
    largest_difference: of any two logits; infinite where one is no number.
    largest_share: of the difference that is allowed for the image; above 1 it is too far.
    other_classes: images that get another class though the network is not undecided.
    undecided: images whose two largest logits are too near to each other to tell.
    """

    batch_size: int
    images: int
    largest_difference: float
    largest_share: float
    other_classes: int
    undecided: int

    @property
    def holds(self) -> bool:
        """Whether the file says what the network says."""
        return self.largest_share <= 1 and not self.other_classes


def batch_parity(
    reference: NDArray[np.float32], found: NDArray[np.float32], batch_size: int
) -> BatchParity:
    """Compare a file's logits ``[N, C]`` with the network's."""
    limits = allowed(reference)
    with np.errstate(invalid="ignore"):
        apart = np.abs(found.astype(float) - reference.astype(float)).max(axis=1)
    apart = np.where(np.isfinite(apart), apart, np.inf)
    second, first = np.sort(reference.astype(float), axis=1)[:, -2:].T
    decided = first - second > limits * (TIE / TOLERANCE)
    other = found.argmax(axis=1) != reference.argmax(axis=1)
    return BatchParity(
        batch_size=batch_size,
        images=len(reference),
        largest_difference=float(apart.max()),
        largest_share=float((apart / limits).max()),
        other_classes=int((other & decided).sum()),
        undecided=int((~decided).sum()),
    )


@dataclass(frozen=True)
class Parity:
    """What was found with every batch size.

    Attributes
    ----------
    probabilities: the largest difference from the softmax of the file's own logits in double
        precision.
    """

    batches: tuple[BatchParity, ...]
    probabilities: float

    @property
    def largest_difference(self) -> float:
        """Of any two logits, with any batch size."""
        return max(batch.largest_difference for batch in self.batches)

    @property
    def other_classes(self) -> int:
        """Images that got another class with some batch size, each time counted."""
        return sum(batch.other_classes for batch in self.batches)

    @property
    def holds(self) -> bool:
        """Whether the file may be kept."""
        near = self.probabilities <= PROBABILITY_TOLERANCE
        return near and all(batch.holds for batch in self.batches)

    def to_dict(self) -> dict[str, Any]:
        """As plain values, with what was asked for."""
        return {
            "holds": self.holds,
            "largest_difference": self.largest_difference,
            "other_classes": self.other_classes,
            "probabilities_difference": self.probabilities,
            "asked": {
                "difference": TOLERANCE,
                "units_in_the_last_place_of_the_largest_logit": _UNITS,
                "same_class_where_the_top_two_differ_by_more_than": TIE,
                "probabilities_difference": PROBABILITY_TOLERANCE,
            },
            "batches": [asdict(batch) for batch in self.batches],
        }
