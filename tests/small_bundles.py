"""Bundles of small networks, made without a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from cnnlab.bundle import Bundle
from cnnlab.device import set_up_torch
from cnnlab.inference import Preprocessing
from cnnlab.models.architecture import Architecture
from cnnlab.optim import Adam

#: The corners that a patch is planted in, (row, column) of its first pixel, in images of SIDE.
SIDE, PATCH = 16, 4
CORNERS = ((0, 0), (0, SIDE - PATCH), (SIDE - PATCH, 0), (SIDE - PATCH, SIDE - PATCH))


def bundle_of_architecture(
    architecture: Architecture,
    *,
    seed: int = 0,
    mirror: bool = False,
    temperature: float | None = None,
    source: Path = Path("a file"),
    weights: str = "0",
) -> Bundle:
    """A network with random weights, and what a bundle says beside it."""
    set_up_torch(1)  # as opening one does; the tensors here are small
    height, width, channels = architecture.input_shape
    return Bundle(
        name="small",
        architecture=architecture,
        network=architecture.build(torch.Generator().manual_seed(seed)).eval(),
        preprocessing=Preprocessing(
            (0.4,) * channels, (0.25,) * channels, (height, width), mirror=mirror
        ),
        class_names=tuple(f"class {label}" for label in range(architecture.classes)),
        temperature=temperature,
        origin={"weights_sha256": weights},
        source=source,
    )


def bundle_of_layers(
    layers: Sequence[Mapping[str, Any]],
    *,
    shape: tuple[int, int, int] = (6, 5, 3),
    classes: int = 3,
    **more: Any,
) -> Bundle:
    """The same of a list of layers."""
    plain = tuple(dict(layer) for layer in layers)
    architecture = Architecture("small", input_shape=shape, classes=classes, layers=plain)
    return bundle_of_architecture(architecture, **more)


def random_images(count: int, shape: tuple[int, int, int], seed: int = 0) -> np.ndarray:
    """uint8 noise ``[N, H, W, C]``."""
    return np.random.default_rng(seed).integers(0, 256, (count, *shape), dtype=np.uint8)


def planted_images(count: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Noise with a patch in one of the corners, whose colour alone is the class.

    Returns uint8 ``[N, 16, 16, 3]``, the classes ``[N]`` and the corners ``[N]``.
    """
    generator = np.random.default_rng(seed)
    images = generator.integers(0, 160, (count, SIDE, SIDE, 3), dtype=np.uint8)
    labels, corners = generator.integers(0, 3, count), generator.integers(0, 4, count)
    for image, label, corner in zip(images, labels, corners, strict=True):
        row, column = CORNERS[corner]
        image[row : row + PATCH, column : column + PATCH] = 30
        image[row : row + PATCH, column : column + PATCH, label] = 240
    return images, labels, corners


def planted_bundle(seed: int = 0) -> Bundle:
    """A network that has learnt :func:`planted_images`."""
    conv = {"type": "Conv2D", "kernel_size": 3, "padding": "same", "activation": "relu"}
    layers = [
        {**conv, "filters": 8},
        {**conv, "filters": 12},
        {"type": "GlobalAveragePooling2D"},
        {"type": "Dense", "units": "classes"},
    ]
    bundle = bundle_of_layers(layers, shape=(SIDE, SIDE, 3), seed=seed)
    network = bundle.network.train()
    optimizer = Adam(network.parameters(), lr=0.02)  # torch's own takes seconds to begin
    for step in range(60):
        images, labels, _ = planted_images(48, seed=1000 + step)
        optimizer.zero_grad()
        logits = network(bundle.preprocessing.apply(torch.from_numpy(images)))
        torch.nn.functional.cross_entropy(logits, torch.from_numpy(labels)).backward()
        optimizer.step()
    network.eval()
    return bundle
