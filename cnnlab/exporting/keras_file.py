"""A bundle as a Keras file that was held against it."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cnnlab.errors import CheckFailed
from cnnlab.exporting.images import Trial
from cnnlab.exporting.parity import BATCHES, TOLERANCE, Parity, batch_parity
from cnnlab.interop.keras.writing import keras_answers

if TYPE_CHECKING:
    from cnnlab.bundle import Bundle

__all__ = ["keras_parity"]

#: The batch sizes that a file is tried with: all images in the largest, some in a smaller one.
_SMALLER, _SOME = BATCHES[-2], 10 * BATCHES[-2]


def keras_parity(
    file: Path, bundle: Bundle, trial: Trial, reference: NDArray[np.float32], path: Path
) -> Parity:
    """Let Keras read ``file`` and answer; compare with the network's logits ``[N, classes]``.

    Raises :class:`CheckFailed`, naming ``path``, where they are not near enough.
    """
    places = trial.places(_SOME)
    some = trial.some(places)
    batches = chain(some.blocks(_SMALLER), trial.blocks(BATCHES[-1]))
    found = np.concatenate(keras_answers(file, batches))
    parity = Parity(
        (
            batch_parity(reference[places], found[: len(places)], _SMALLER),
            batch_parity(reference, found[len(places) :], BATCHES[-1]),
        ),
        0.0,  # the file gives logits alone
    )
    if not parity.holds:
        raise CheckFailed(
            f"the Keras file does not say what the network says on {len(trial):,} {trial.split} "
            f"images: largest difference of a logit {parity.largest_difference:.1e}, "
            f"{parity.other_classes} other classes",
            where=path,
            expected=f"a difference of at most {TOLERANCE:.0e}; nothing was written",
            todo=_todo(bundle),
        )
    return parity


def _todo(bundle: Bundle) -> str:
    pooled = any(
        step.type == "AveragePooling2D" and getattr(step.layer, "padding", "") == "same"
        for step in bundle.architecture.steps
    )
    if pooled:
        return (
            "Keras on torch repeats edges in AveragePooling2D with padding same, unlike Keras on "
            "TensorFlow: train it with padding valid"
        )
    return "please report it with the run's architecture.yaml"
