"""Which training images are most like an image to the network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnlab.bundle import Bundle
from cnnlab.data.dataset import Dataset
from cnnlab.data.source import Say, unsaid
from cnnlab.errors import InputError, RunError
from cnnlab.explanation.checks import checked_image
from cnnlab.explanation.features import features_of, training_features
from cnnlab.explanation.layers import feature_layer
from cnnlab.metrics.checks import checked_count
from cnnlab.prediction.predict import Progress, unwatched
from cnnlab.runs import open_run

__all__ = ["METRICS", "Neighbour", "Neighbours", "TrainingImages", "distances"]

METRICS = ("cosine", "euclidean")

_BLOCK = 4096


@dataclass(frozen=True, eq=False)
class Neighbour:
    """A training image near to the one that is explained.

    Attributes
    ----------
    row: in the run's dataset.
    class_name: the class that it is labelled with.
    distance: of the features; see :func:`distances`.
    identical: whether it has the very same pixels.
    image: uint8 ``[H, W, C]``.
    """

    row: int
    class_name: str
    distance: float
    identical: bool
    image: NDArray[np.uint8]

    def to_dict(self) -> dict[str, Any]:
        """As plain values, without the pixels."""
        return {
            "row": self.row,
            "class": self.class_name,
            "distance": self.distance,
            "identical": self.identical,
        }


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The nearest training images, the nearest first.

    Attributes
    ----------
    metric: "cosine" or "euclidean".
    layer: whose output is compared; None: the head takes the image itself, whose mean is.
    features: how many numbers that is; searched: training images that were compared.
    """

    found: tuple[Neighbour, ...]
    metric: str
    layer: str | None
    features: int
    searched: int

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "metric": self.metric,
            "layer": self.layer,
            "features": self.features,
            "searched": self.searched,
            "neighbours": [neighbour.to_dict() for neighbour in self.found],
        }


def distances(
    features: NDArray[np.float32], one: NDArray[np.float32], metric: str
) -> NDArray[np.float64]:
    """How far each row of ``features`` ``[N, D]`` is from ``one`` ``[D]``, float64 ``[N]``.

    "euclidean": the length of the difference. "cosine": 1 minus the cosine of the angle, 0 to 2;
    it does not see how strong features are as a whole. What has no direction (all zero) is at 1.
    """
    query = one.astype(np.float64)
    found = np.empty(len(features))
    for start in range(0, len(features), _BLOCK):
        block = features[start : start + _BLOCK].astype(np.float64)
        if metric == "euclidean":
            away = np.linalg.norm(block - query, axis=1)
        else:
            lengths = np.linalg.norm(block, axis=1) * np.linalg.norm(query)
            away = 1 - block @ query / np.where(lengths > 0, lengths, 1)
            away = np.clip(away, 0, 2)
        found[start : start + _BLOCK] = away
    return found


class TrainingImages:
    """A run's training images by what the network's head sees of them, ready to be searched."""

    def __init__(
        self,
        bundle: Bundle,
        dataset: Dataset,
        rows: NDArray[np.int64],
        *,
        say: Say = unsaid,
        watch: Progress = unwatched,
    ) -> None:
        self._bundle, self._dataset, self._rows = bundle, dataset, rows
        self._layer = feature_layer(bundle.architecture)
        self._features = training_features(bundle, dataset, rows, say=say, watch=watch)

    @classmethod
    def of(
        cls, bundle: Bundle, *, say: Say = unsaid, watch: Progress = unwatched
    ) -> TrainingImages:
        """Those of the run that the bundle was made of.

        Raises :class:`RunError` where it comes from a file, which knows of no images, or the
        run's images are no longer what they were.
        """
        if not bundle.source.is_dir():
            raise RunError(
                "a bundle's file does not say where its training images are",
                where=bundle.source,
                todo="name the run itself, or leave --method nearest out",
            )
        run = open_run(bundle.source)
        dataset, rows = run.open_dataset(say), np.sort(run.rows().train)
        return cls(bundle, dataset, rows, say=say, watch=watch)

    def nearest(
        self, image: NDArray[np.uint8], count: int = 5, *, metric: str = "cosine"
    ) -> Neighbours:
        """The ``count`` training images nearest to uint8 ``[H, W, C]``; of a tie the first row.

        Raises :class:`InputError` for an image of another shape, another metric, or a count that
        is not 1 to the number of training images.
        """
        checked_image(self._bundle, image)
        checked_count(count, name="neighbours", low=1, high=len(self._rows))
        if metric not in METRICS:
            raise InputError(f"'{metric}'", where="metric", expected=" or ".join(METRICS))
        (one,) = features_of(self._bundle, image[None])
        away = distances(self._features, one, metric)
        order = np.argsort(away, kind="stable")[:count]
        found = tuple(self._neighbour(int(place), float(away[place]), image) for place in order)
        return Neighbours(found, metric, self._layer, len(one), len(self._rows))

    def _neighbour(self, place: int, distance: float, image: NDArray[np.uint8]) -> Neighbour:
        row = int(self._rows[place])
        pixels = np.array(self._dataset.images[row])
        name = self._dataset.class_names[int(self._dataset.labels[row])]
        return Neighbour(row, name, distance, bool(np.array_equal(pixels, image)), pixels)
