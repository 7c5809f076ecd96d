"""Keras files made by hand, without Keras: as small as they come, and easily broken."""

from __future__ import annotations

import copy
import io
import json
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from small_bundles import random_images

from cnnlab.interop.keras import Imported, import_keras

#: The arrays of a network on 6x5x3 images: a convolution, a batch normalisation, a dense layer.
KERNEL = np.linspace(-0.5, 0.7, 3 * 3 * 3 * 4, dtype=np.float32).reshape(3, 3, 3, 4)
BIAS = np.array([0.1, -0.2, 0.3, 0.0], dtype=np.float32)
NORM = [np.array(values, dtype=np.float32) for values in ([1.0, 0.5, 2, 1], [0, 0.1, 0, -0.1])]
NORM += [np.array(values, dtype=np.float32) for values in ([0.2, 0, 0.1, 0], [1, 0.5, 2, 0.25])]
DENSE = [np.arange(8, dtype=np.float32).reshape(4, 2) / 8, np.array([0.5, -0.5], np.float32)]


def layer(kind: str, name: str, **config: Any) -> dict[str, Any]:
    """One of Keras's layers as its configuration says it."""
    return {
        "module": "keras.layers",
        "class_name": kind,
        "config": {"name": name, "trainable": True, "dtype": "float32", **config},
        "registered_name": None,
    }


def layers_of(*, first: Sequence[Mapping[str, Any]] = (), last: str = "softmax") -> list[Any]:
    """The network's layers; ``first`` stand before them, ``last`` is its last activation."""
    return [
        layer("InputLayer", "input", batch_shape=[None, 6, 5, 3]),
        *first,
        layer("Conv2D", "conv2d", filters=4, kernel_size=[3, 3], padding="same", strides=[1, 1]),
        layer("BatchNormalization", "batch_normalization", axis=-1, epsilon=0.001),
        layer("GlobalAveragePooling2D", "global_average_pooling2d"),
        layer("Dense", "dense", units=2, activation=last),
    ]


def model_of(layers: Sequence[Any], **more: Any) -> dict[str, Any]:
    """A Sequential model as ``config.json`` says it."""
    return {
        "module": "keras",
        "class_name": "Sequential",
        "config": {"name": "sequential", "layers": list(layers)},
        "registered_name": None,
        **more,
    }


def write_weights(target: Any, change: Callable[[h5py.File], None] = lambda file: None) -> None:
    """The network's variables as Keras writes them; ``change`` breaks them."""
    with h5py.File(target, "w") as file:
        for name, arrays in (
            ("conv2d", [KERNEL, BIAS]),
            ("batch_normalization", NORM),
            ("dense", DENSE),
        ):
            group = file.create_group(f"layers/{name}/vars")
            for number, array in enumerate(arrays):
                group[str(number)] = array
        change(file)


def weights_bytes(change: Callable[[h5py.File], None] = lambda file: None) -> bytes:
    """The same as the bytes of a file."""
    stream = io.BytesIO()
    write_weights(stream, change)
    return stream.getvalue()


def write_archive(
    path: Path,
    content: Any = None,
    weights: bytes | None = None,
    *,
    members: Mapping[str, bytes] | None = None,
    method: int = zipfile.ZIP_STORED,
) -> Path:
    """A ``.keras`` file; ``members`` come on top, and one of None is left out."""
    content = model_of(layers_of()) if content is None else content
    parts: dict[str, bytes] = {
        "metadata.json": b'{"keras_version": "3.15.1"}',
        "config.json": json.dumps(content).encode(),
        "model.weights.h5": weights_bytes() if weights is None else weights,
        **(members or {}),
    }
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return path


def expected_logits(pixels: np.ndarray) -> np.ndarray:
    """What the network gives, by loops over NumPy arrays: float ``[N, 6, 5, 3]`` in."""
    padded = np.pad(pixels.astype(np.float64), ((0, 0), (1, 1), (1, 1), (0, 0)))
    maps = np.zeros((len(pixels), 6, 5, 4))
    for row in range(6):
        for column in range(5):
            window = padded[:, row : row + 3, column : column + 3]
            maps[:, row, column] = np.tensordot(window, KERNEL, axes=3) + BIAS
    gamma, beta, mean, variance = NORM
    maps = (maps - mean) / np.sqrt(variance + 0.001) * gamma + beta
    return maps.mean((1, 2)) @ DENSE[0] + DENSE[1]


IMAGES = random_images(5, (6, 5, 3))
RESCALING = layer("Rescaling", "rescaling", scale=1 / 255, offset=0.0)


def imported(tmp_path: Path, content: Any = None, **options: Any) -> Imported:
    """The import of a small file, or of one that holds ``content``."""
    options.setdefault("scale", None if content else "1")
    path = write_archive(tmp_path / "small.keras", content)
    return import_keras(path, tmp_path / "out", force=True, **options)


def changed(position: int, **config: Any) -> dict[str, Any]:
    """The model with one layer's arguments changed, on pixels / 255."""
    layers = copy.deepcopy(layers_of(first=[RESCALING]))
    layers[position]["config"] |= config
    return model_of(layers)
