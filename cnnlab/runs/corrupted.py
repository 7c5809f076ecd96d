"""A network's answers to corrupted images of one split, as they are saved."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnlab.errors import RunError
from cnnlab.files import atomic_path

__all__ = ["CorruptedPredictions"]

_FACTS = ("clean", "labels", "indices", "made_by")


@dataclass(frozen=True, eq=False)
class CorruptedPredictions:
    """What a network said of one split's images, clean and corrupted.

    Attributes
    ----------
    clean: int64 ``[N]``, the classes predicted of the images as they are.
    labels: int64 ``[N]``, the true classes.
    indices: int64 ``[N]``, rows of the dataset.
    made_by: what they depend on beside the images: the weights' SHA-256, the corruptions' version.
    answers: int64 ``[N]``, the classes predicted, by corruption and severity.
    """

    clean: NDArray[np.int64]
    labels: NDArray[np.int64]
    indices: NDArray[np.int64]
    made_by: str
    answers: Mapping[tuple[str, int], NDArray[np.int64]]

    @classmethod
    def read(cls, path: Path, *, todo: str) -> CorruptedPredictions:
        """Read what :meth:`write` wrote; :class:`RunError` with ``todo`` where it is damaged."""
        try:
            with path.open("rb") as stream, np.load(stream, allow_pickle=False) as saved:
                arrays = {key: saved[key] for key in saved.files}
            clean, labels, indices, made_by = (arrays.pop(key) for key in _FACTS)
            answers = {}
            for key, classes in arrays.items():
                name, _, severity = key.partition("/")
                answers[name, int(severity)] = classes.astype(np.int64)
            whole = all(
                array.shape == labels.shape for array in (clean, indices, *answers.values())
            )
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            whole = False
        if not whole:
            raise RunError("damaged", where=path, todo=todo)
        return cls(clean.astype(np.int64), labels, indices, str(made_by), answers)

    def write(self, path: Path) -> None:
        """Replace ``path`` (``.npz``) by these in one step; the same ones give the same bytes."""
        answers = {f"{name}/{s}": said.astype(np.int16) for (name, s), said in self.answers.items()}
        arrays: dict[str, Any] = {"clean": self.clean.astype(np.int16), "labels": self.labels}
        arrays |= {"indices": self.indices, "made_by": np.array(self.made_by), **answers}
        with atomic_path(path) as temporary, temporary.open("wb") as stream:
            np.savez_compressed(stream, **arrays)
