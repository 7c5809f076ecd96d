"""What the saved predictions of a run say of single images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cnnlab.evaluation.evaluate import Evaluation, SplitName, evaluation_of
from cnnlab.metrics import log_softmax
from cnnlab.page.memory import Memory, state_of
from cnnlab.runs import Run
from cnnlab.workflows.tolerant import TolerantReader

__all__ = ["Answer", "Answers", "Mistake", "answers_at", "cell_places", "hardest", "mistakes"]


@dataclass(frozen=True)
class Answer:
    """One image: its row in the dataset, what it is, what was said and how sure (0 to 1).

    How sure is as ``cnnlab predict`` says it of this image, at the run's temperature.
    """

    row: int
    true: str
    predicted: str
    probability: float
    true_probability: float
    right: bool


@dataclass(frozen=True)
class Mistake:
    """How often one class was taken for another; ``share`` of the true class's images."""

    true: int
    predicted: int
    count: int
    share: float


class Answers:
    """Evaluations of saved predictions, kept while their files stay as they are."""

    def __init__(self) -> None:
        self._memory: Memory[Evaluation | None] = Memory(24)

    def of(self, run: Run, split: SplitName) -> Evaluation | None:
        """What was predicted of a split; None where it never was. Nothing is predicted here."""
        folder = run.path / "predictions"
        files = (folder / f"{split}.npz", folder / "temperature.json", run.path / "split.json")
        return self._memory.get(
            (run.path, split), state_of(files), lambda: evaluation_of(run, split)
        )


def answers_at(evaluation: Evaluation, places: Sequence[int]) -> list[Answer]:
    """The answers at places within the split, in this order."""
    found, names = evaluation.predictions, evaluation.class_names
    shares, said = _probabilities(evaluation), found.classes
    return [
        Answer(
            row=int(found.indices[at]),
            true=names[found.labels[at]],
            predicted=names[said[at]],
            probability=float(shares[at, said[at]]),
            true_probability=float(shares[at, found.labels[at]]),
            right=bool(found.labels[at] == said[at]),
        )
        for at in places
    ]


def _probabilities(evaluation: Evaluation) -> NDArray[np.float64]:
    """What the run says, ``[N, C]``; before calibration where its temperature is damaged.

    That it is damaged stands on the page of the run.
    """
    reader = TolerantReader(evaluation.run)
    found = reader.read(lambda: evaluation.calibrated_probabilities, what="temperature.json")
    return evaluation.probabilities if found is None else found


def cell_places(evaluation: Evaluation, true: int, predicted: int) -> NDArray[np.int64]:
    """Where one cell of the confusion matrix has its images, the surest answers first."""
    found = evaluation.predictions
    places = np.flatnonzero((found.labels == true) & (found.classes == predicted))
    sure = _probabilities(evaluation)[places, predicted]
    return places[np.argsort(-sure, kind="stable")]


def hardest(evaluation: Evaluation, most: int) -> NDArray[np.int64]:
    """Where the images with the largest loss are."""
    found = evaluation.predictions
    own = log_softmax(found.logits)[np.arange(len(found.labels)), found.labels]
    return np.argsort(own, kind="stable")[:most]


def mistakes(evaluation: Evaluation, most: int = 10) -> list[Mistake]:
    """The most frequent confusions, of equal ones in the order of the classes."""
    counts = evaluation.scores.matrix.copy()
    np.fill_diagonal(counts, 0)
    support = np.maximum(evaluation.scores.matrix.sum(axis=1), 1)
    order = np.argsort(-counts, axis=None, kind="stable")[:most]
    cells = [divmod(int(cell), len(counts)) for cell in order]
    return [
        Mistake(true, said, int(counts[true, said]), float(counts[true, said] / support[true]))
        for true, said in cells
        if counts[true, said]
    ]
