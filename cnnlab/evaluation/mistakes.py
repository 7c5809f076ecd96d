"""Which images were taken for something else: the pairs of classes, and the surest mistakes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cnnlab.evaluation.evaluate import Evaluation

__all__ = ["ConfusedPair", "Mistake", "confused_pairs", "surest_mistakes"]


@dataclass(frozen=True)
class ConfusedPair:
    """Images of one class that were given another.

    Attributes
    ----------
    true, predicted: the classes.
    count: how many there are.
    share: of the true class's images.
    rows: rows of the dataset, the image of which the network was surest first.
    """

    true: int
    predicted: int
    count: int
    share: float
    rows: list[int]


@dataclass(frozen=True)
class Mistake:
    """One image that was taken for another class.

    Attributes
    ----------
    row: of the dataset.
    true, predicted: classes.
    probability: of the predicted class, as the network says it (temperature 1).
    true_probability: of the true class.
    """

    row: int
    true: int
    predicted: int
    probability: float
    true_probability: float


def confused_pairs(evaluation: Evaluation, most: int) -> list[ConfusedPair]:
    """The ``most`` frequent mistakes, equal ones in class order; fewer where there are fewer."""
    wrong = evaluation.scores.matrix.copy()
    np.fill_diagonal(wrong, 0)
    support = evaluation.scores.matrix.sum(axis=1)
    saved, surest = evaluation.predictions, _surest_first(evaluation)
    found = []
    for cell in np.argsort(-wrong, axis=None, kind="stable")[:most]:
        true, predicted = divmod(int(cell), len(wrong))
        count = int(wrong[true, predicted])
        if count:
            mine = (saved.labels[surest] == true) & (saved.classes[surest] == predicted)
            rows = saved.indices[surest[mine]].tolist()
            found.append(ConfusedPair(true, predicted, count, count / int(support[true]), rows))
    return found


def surest_mistakes(evaluation: Evaluation, most: int) -> list[Mistake]:
    """Wrongly classified images, those that were given the greatest probability first."""
    saved, probabilities = evaluation.predictions, evaluation.probabilities
    places = _surest_first(evaluation)
    wrong = places[saved.classes[places] != saved.labels[places]][:most]
    return [
        Mistake(
            row=int(saved.indices[place]),
            true=int(saved.labels[place]),
            predicted=int(saved.classes[place]),
            probability=float(probabilities[place, saved.classes[place]]),
            true_probability=float(probabilities[place, saved.labels[place]]),
        )
        for place in wrong.tolist()
    ]


def _surest_first(evaluation: Evaluation) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Places of all images by falling confidence; a stable order, so ties stay as saved."""
    order = np.argsort(-evaluation.probabilities.max(axis=1), kind="stable")
    return np.asarray(order, dtype=np.int64)
