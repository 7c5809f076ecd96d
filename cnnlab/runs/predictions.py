"""A network's answers on one split, as they are saved."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cnnlab.data.forms.npz_members import open_npz
from cnnlab.errors import DataError, RunError
from cnnlab.files import atomic_path

__all__ = ["Predictions"]

_KEYS = ("logits", "labels", "indices")


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a network said of one split.

    Attributes
    ----------
    logits: float32 ``[N, C]``.
    labels: int64 ``[N]``, the true classes.
    indices: int64 ``[N]``, rows of the dataset.
    """

    logits: NDArray[np.float32]
    labels: NDArray[np.int64]
    indices: NDArray[np.int64]

    @property
    def classes(self) -> NDArray[np.int64]:
        """The predicted classes, int64 ``[N]``; of equal logits the lowest index wins."""
        return np.asarray(self.logits.argmax(axis=1), dtype=np.int64)

    @classmethod
    def read(cls, path: Path, *, todo: str) -> Predictions:
        """Read what :meth:`write` wrote; :class:`RunError` with ``todo`` where it is damaged."""
        found = None
        try:
            with open_npz(path) as saved:
                arrays = [np.array(saved.arrays[key].read()) for key in _KEYS]
        except (DataError, KeyError):
            arrays = []
        if [array.dtype.kind for array in arrays] == ["f", "i", "i"]:
            found = cls(*arrays)
        if found is None or not found._fits():
            raise RunError("damaged", where=path, todo=todo)
        return found

    def _fits(self) -> bool:
        """Whether the shapes belong together, and every label is one of the classes."""
        logits, labels = self.logits, self.labels
        return (
            logits.ndim == 2
            and labels.shape == self.indices.shape == logits.shape[:1]
            and logits.size > 0
            and bool(np.isfinite(logits).all())
            and 0 <= int(labels.min()) <= int(labels.max()) < logits.shape[1]
            and int(self.indices.min()) >= 0
        )

    def write(self, path: Path) -> None:
        """Replace ``path`` (``.npz``) by these in one step; the same ones give the same bytes."""
        with atomic_path(path) as temporary, temporary.open("wb") as stream:
            np.savez(stream, logits=self.logits, labels=self.labels, indices=self.indices)
