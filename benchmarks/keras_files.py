"""Keras files both ways: how far a logit moves between cnnlab and Keras, model by model.

    python benchmarks/keras_files.py --images 64

The report's six models go from cnnlab to a file that Keras reads, and from that file back;
published networks (``keras_examples.py``) come from Keras. Images are noise and every weight is
drawn, biases and statistics too: a mistake in layout, order or padding moves logits by their own
size. Prints a table in Markdown.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from versus_keras.examples import EXAMPLES, shake, shake_network

import cnnlab
from cnnlab.bundle import Bundle
from cnnlab.inference import Preprocessing
from cnnlab.models import load_architecture

MODELS = [f"model-{letter}" for letter in "abcdef"]
HEADER = (
    "| model | parameters | largest logit | to Keras: largest difference | from Keras: largest "
    "difference |\n| :--- | ---: | ---: | ---: | ---: |\n"
)


class Row(NamedTuple):
    """What was found of a model; ``to_keras`` is None where it came from Keras."""

    model: str
    parameters: int
    largest: float
    to_keras: float | None
    from_keras: float

    def line(self) -> str:
        """As a row of the table."""
        there = "-" if self.to_keras is None else f"{self.to_keras:.1e}"
        return (
            f"| {self.model} | {self.parameters:,} | {self.largest:.2f} | {there} | "
            f"{self.from_keras:.1e} |\n"
        )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--images", type=int, default=64, help="images of noise a model")
    asked = parser.parse_args()
    os.environ["KERAS_BACKEND"] = "torch"
    import keras

    sys.stdout.write(HEADER)
    with tempfile.TemporaryDirectory() as folder:
        for rows in (there_and_back, published):
            for row in rows(keras, Path(folder), asked.images):
                sys.stdout.write(row.line())
                sys.stdout.flush()
    sys.stdout.write(
        f"\nKeras {keras.__version__} on torch {torch.__version__}; {asked.images} images of noise "
        "a model.\n"
    )


def there_and_back(keras: ModuleType, folder: Path, images: int) -> Iterator[Row]:
    """The report's models: exported, asked by Keras, imported again."""
    for name in MODELS:
        bundle = _drawn_bundle(name, folder / f"{name}.safetensors")
        file = folder / f"{name}.keras"
        cnnlab.export(bundle.source, file, format="keras")
        back = cnnlab.import_keras(file, folder / f"{name}-back.safetensors").bundle
        pixels = _noise(images, bundle.input_shape)
        ours = bundle.logits(pixels)
        theirs = _answers(keras.saving.load_model(file, compile=False), pixels)
        yield Row(
            name,
            bundle.architecture.summary().total_params,
            float(np.abs(ours).max()),
            float(np.abs(theirs - ours).max()),
            float(np.abs(back.logits(pixels) - theirs).max()),
        )


def published(keras: ModuleType, folder: Path, images: int) -> Iterator[Row]:
    """Published networks: built by Keras, saved, imported; a final softmax is left out of both."""
    for name, example in EXAMPLES.items():
        model = example.build(keras)
        shake(model, np.random.default_rng(0))
        pixels = _noise(images, model.input_shape[1:])
        inputs = pixels / np.float32(255) if example.scale == "1" else pixels
        file = folder / f"{name}.keras"
        model.save(file)
        last = model.layers[-1]
        if getattr(last, "activation", None) is keras.activations.softmax:
            last.activation = keras.activations.linear
        bundle = cnnlab.import_keras(
            file, folder / f"{name}.safetensors", scale=example.scale
        ).bundle
        theirs = _answers(model, inputs)
        apart = np.abs(bundle.logits(pixels) - theirs).max()
        largest = float(np.abs(theirs).max())
        yield Row(example.title, model.count_params(), largest, None, float(apart))


def _drawn_bundle(name: str, path: Path) -> Bundle:
    architecture = load_architecture(name)
    generator = torch.Generator().manual_seed(0)
    network = architecture.build(generator).eval()
    shake_network(network, generator)
    height, width, channels = architecture.input_shape
    bundle = Bundle(
        name=name,
        architecture=architecture,
        network=network,
        preprocessing=Preprocessing((0.45,) * channels, (0.25,) * channels, (height, width)),
        class_names=tuple(map(str, range(architecture.classes))),
        temperature=None,
        origin={"weights_sha256": "drawn"},
        source=path,
    )
    bundle.save(path)
    return bundle


def _noise(count: int, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    return np.random.default_rng(1).integers(0, 256, (count, *shape), dtype=np.uint8)


def _answers(model: Any, images: NDArray[Any]) -> NDArray[np.float32]:
    model.trainable = False
    return np.asarray(model(images, training=False).detach().cpu(), dtype=np.float32)


if __name__ == "__main__":
    main()
