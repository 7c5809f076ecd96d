"""What the jobs of ``keras_worker.py`` have in common: data, compiling, scores; Keras's alone."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any

import numpy as np
from harness.records import Record
from numpy.typing import NDArray

from versus_keras.layers import keras_model

__all__ = [
    "EVALUATION_BATCH",
    "Arrays",
    "check_restored",
    "compile_anew",
    "epochs_of",
    "model_of",
    "part",
    "save_weights",
    "scores_of",
    "shuffled",
]

Arrays = Mapping[str, NDArray[Any]]

#: Images at once, where nothing is learnt.
EVALUATION_BATCH = 250


def model_of(keras: ModuleType, job: Record) -> Any:
    """The network that a job describes, not compiled yet."""
    return keras_model(keras, job["layers"], job["input_shape"], classes=job["classes"])


def shuffled(
    keras: ModuleType, images: NDArray[Any], labels: NDArray[np.int64], job: Record, stage: int
) -> Any:
    """Batches in a new order every epoch, as Keras's own ``PyDataset`` delivers them.

    Given arrays and a seed, ``fit`` of Keras 3.15 on TensorFlow repeats one order in all epochs
    (its ``tf.random.shuffle`` begins anew with each iterator): the batches themselves are learnt
    by heart, and training accuracy runs ahead of what a shuffled training has.
    """
    size = int(job["batch_size"])

    class Shuffled(keras.utils.PyDataset):  # type: ignore[misc, name-defined] # known at run time
        def __init__(self) -> None:
            super().__init__()
            self._random = np.random.default_rng((job["seed"], stage))
            self.on_epoch_end()

        def __len__(self) -> int:
            return -(-len(labels) // size)

        def __getitem__(self, index: int) -> tuple[NDArray[Any], NDArray[np.int64]]:
            rows = self._order[index * size : (index + 1) * size]
            return images[rows], labels[rows]

        def on_epoch_end(self) -> None:
            self._order = self._random.permutation(len(labels))

    return Shuffled()


def compile_anew(keras: ModuleType, model: Any, job: Record) -> None:
    """Compile with a fresh optimizer; the weights stay."""
    chosen = job["optimizer"]
    model.compile(
        optimizer=getattr(keras.optimizers, chosen["class"])(**chosen["arguments"]),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )


def part(
    arrays: Arrays, name: str, dtype: type[np.floating[Any]] = np.float32
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Images ``[N, H, W, C]`` from 0 to 1, and labels ``[N]``."""
    return arrays[f"{name}_images"].astype(dtype) / dtype(255), arrays[f"{name}_labels"]


def epochs_of(history: Mapping[str, list[float]], stage: int) -> list[Record]:
    """What ``fit`` noted of a stage, a record an epoch, under our names."""
    names = {
        "train_loss": "loss",
        "train_accuracy": "accuracy",
        "inner_loss": "val_loss",
        "inner_accuracy": "val_accuracy",
    }
    return [
        {
            "stage": stage,
            "epoch": epoch + 1,
            **{ours: float(history[theirs][epoch]) for ours, theirs in names.items()},
        }
        for epoch in range(len(history["loss"]))
    ]


def check_restored(model: Any, inner: tuple[Any, Any], expected: float) -> None:
    """Not every version of Keras restores the best weights where training ran to its end."""
    loss = scores_of(model, *inner)["loss"]
    if abs(loss - expected) > 1e-3:
        raise RuntimeError(f"the inner loss is {loss}, that of the best epoch was {expected}")


def scores_of(model: Any, images: NDArray[Any], labels: NDArray[np.int64]) -> Record:
    """Mean cross-entropy (nats) and top-1 accuracy in evaluation mode."""
    logits = model.predict(images, batch_size=EVALUATION_BATCH, verbose=0).astype(np.float64)
    shifted = logits - logits.max(axis=1, keepdims=True)
    own = shifted[np.arange(len(labels)), labels]
    return {
        "loss": float((np.log(np.exp(shifted).sum(axis=1)) - own).mean()),
        "accuracy": float((logits.argmax(axis=1) == labels).mean()),
        "n": len(labels),
    }


def save_weights(model: Any, path: str) -> None:
    """Every weight as ``layer/weight``, in Keras's layout."""
    found = {
        f"{layer.name}/{weight.name}": np.asarray(value)
        for layer in model.layers
        for weight, value in zip(layer.weights, layer.get_weights(), strict=True)
    }
    np.savez(path, **found)  # type: ignore[arg-type] # numpy's own options are named too
