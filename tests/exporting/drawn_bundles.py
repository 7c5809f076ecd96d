"""Networks with drawn weights as bundles, and quick runs on small images."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from cnnlab.bundle import Bundle, open_bundle
from cnnlab.exporting import Exported
from cnnlab.inference import Preprocessing, place
from cnnlab.models import Architecture
from cnnlab.models.modules import BatchNorm
from cnnlab.runs import Run
from cnnlab.workflows.configure import configure
from cnnlab.workflows.train import train_and_evaluate

__all__ = ["Case", "bundle_of_network", "train_small", "write_arrays"]


@dataclass(frozen=True)
class Case:
    """A network and the file that it became."""

    bundle: Bundle
    exported: Exported


def bundle_of_network(
    architecture: Architecture, folder: Path, *, mirror: bool = False, scale: float = 1.0
) -> Bundle:
    """A saved bundle of drawn weights; ``scale`` multiplies the last kernel.

    Statistics and biases that are zero or one in a fresh network are not, so that a mistake shows.
    """
    generator = torch.Generator().manual_seed(1)
    network = architecture.build(generator)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith(("bias", "beta")):
                parameter.normal_(0, 0.3, generator=generator)
        for module in network.modules():
            if isinstance(module, BatchNorm):
                module.moving_mean.normal_(0, 0.3, generator=generator)
                module.moving_variance.uniform_(0.5, 1.5, generator=generator)
        kernels = [p for n, p in network.named_parameters() if n.endswith("weight")]
        kernels[-1].mul_(scale)
    height, width, channels = architecture.input_shape
    mean, std = (0.4, 0.5, 0.45, 0.6), (0.2, 0.25, 0.3, 0.2)
    bundle = Bundle(
        name=architecture.name,
        architecture=architecture,
        network=place(network, torch.device("cpu")).eval(),
        preprocessing=Preprocessing(
            mean[:channels], std[:channels], (height, width), mirror=mirror
        ),
        class_names=tuple(f"class {number}" for number in range(architecture.classes)),
        temperature=1.5,
        origin={"run": "drawn", "weights_sha256": "0" * 64},
        source=folder / f"{architecture.name}.safetensors",
    )
    bundle.save(bundle.source)
    return open_bundle(bundle.source)


def write_arrays(shape: tuple[int, int, int], path: Path) -> str:
    """An archive of 90 images in three classes, which a bright stripe tells apart."""
    generator = np.random.default_rng(0)
    labels = np.arange(90) % 3
    images = generator.integers(0, 120, (90, *shape), dtype=np.uint8)
    for row, label in enumerate(labels):
        start = int(label) * shape[0] // 3
        images[row, start : start + 3] = 230
    np.savez(path, images=images, labels=labels)
    return str(path)


def train_small(data: str, model: Path, runs: Path, **settings: object) -> Run:
    """A run of three quick epochs."""
    config = configure(
        settings={
            "precision": "fp32",
            "data": {"source": data},
            "model": {"name": str(model)},
            "training": {"epochs": 3, "batch_size": 16},
            "optimizer": {"name": "adam", "lr": 0.01},
            **settings,
        }
    )
    return train_and_evaluate(config, runs).run
