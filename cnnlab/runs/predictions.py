"""A network's answers on one split, as they are saved."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cnnlab.errors import RunError
from cnnlab.files import atomic_path

__all__ = ["Predictions"]


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
        try:
            with path.open("rb") as stream, np.load(stream, allow_pickle=False) as saved:
                found = cls(*(saved[key] for key in ("logits", "labels", "indices")))
            whole = found.logits.ndim == 2 and (
                found.labels.shape == found.indices.shape == found.logits.shape[:1]
            )
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            whole = False
        if not whole:
            raise RunError("damaged", where=path, todo=todo)
        return found

    def write(self, path: Path) -> None:
        """Replace ``path`` (``.npz``) by these in one step; the same ones give the same bytes."""
        with atomic_path(path) as temporary, temporary.open("wb") as stream:
            np.savez(stream, logits=self.logits, labels=self.labels, indices=self.indices)
