"""Published Keras networks, written anew from their layers. It imports nothing: Keras is handed in.

Each is as its source has it, but for what only a training needs (losses, optimizers, seeds).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

__all__ = ["EXAMPLES", "Example", "shake", "shake_network"]

#: Weights that are zero or one in a fresh network, by the end of their names.
_ZEROS, _ONES = {"beta", "bias", "moving_mean"}, {"gamma", "moving_variance"}


@dataclass(frozen=True)
class Example:
    """A network that was published, and the range of pixels that its text feeds it.

    ``scale``: as ``import-keras --scale`` takes it; None where the network itself tells.
    """

    title: str
    build: Callable[[ModuleType], Any]
    scale: str | None


def _mnist_convnet(keras: ModuleType) -> Any:
    """keras.io, code examples, "Simple MNIST convnet" (F. Chollet)."""
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input(shape=(28, 28, 1)),
            layers.Conv2D(32, kernel_size=(3, 3), activation="relu"),
            layers.MaxPooling2D(pool_size=(2, 2)),
            layers.Conv2D(64, kernel_size=(3, 3), activation="relu"),
            layers.MaxPooling2D(pool_size=(2, 2)),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(10, activation="softmax"),
        ]
    )


def _cifar10_tutorial(keras: ModuleType) -> Any:
    """TensorFlow's tutorial "Convolutional Neural Network (CNN)"; it ends with logits."""
    layers = keras.layers
    model = keras.Sequential([keras.Input(shape=(32, 32, 3))])
    model.add(layers.Conv2D(32, (3, 3), activation="relu"))
    model.add(layers.MaxPooling2D((2, 2)))
    model.add(layers.Conv2D(64, (3, 3), activation="relu"))
    model.add(layers.MaxPooling2D((2, 2)))
    model.add(layers.Conv2D(64, (3, 3), activation="relu"))
    model.add(layers.Flatten())
    model.add(layers.Dense(64, activation="relu"))
    model.add(layers.Dense(10))
    return model


def _cifar10_cnn(keras: ModuleType) -> Any:
    """Keras's own examples/cifar10_cnn.py, which came with it up to version 2.3."""
    layers = keras.layers
    model = keras.Sequential([keras.Input(shape=(32, 32, 3))])
    for filters in (32, 64):
        model.add(layers.Conv2D(filters, (3, 3), padding="same"))
        model.add(layers.Activation("relu"))
        model.add(layers.Conv2D(filters, (3, 3)))
        model.add(layers.Activation("relu"))
        model.add(layers.MaxPooling2D(pool_size=(2, 2)))
        model.add(layers.Dropout(0.25))
    model.add(layers.Flatten())
    model.add(layers.Dense(512))
    model.add(layers.Activation("relu"))
    model.add(layers.Dropout(0.5))
    model.add(layers.Dense(10))
    model.add(layers.Activation("softmax"))
    return model


def _flowers(keras: ModuleType) -> Any:
    """TensorFlow's tutorial "Image classification": augmentation and rescaling in the model."""
    layers = keras.layers
    augmentation = keras.Sequential(
        [
            keras.Input(shape=(180, 180, 3)),
            layers.RandomFlip("horizontal"),
            layers.RandomRotation(0.1),
            layers.RandomZoom(0.1),
        ]
    )
    blocks = []
    for filters in (16, 32, 64):
        blocks.append(layers.Conv2D(filters, 3, padding="same", activation="relu"))
        blocks.append(layers.MaxPooling2D())
    return keras.Sequential(
        [
            augmentation,
            layers.Rescaling(1.0 / 255),
            *blocks,
            layers.Dropout(0.2),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dense(5, name="outputs"),
        ]
    )


EXAMPLES = {
    "mnist-convnet": Example("keras.io: Simple MNIST convnet", _mnist_convnet, "1"),
    "cifar10-tutorial": Example("TensorFlow's CNN tutorial, CIFAR-10", _cifar10_tutorial, "1"),
    "cifar10-cnn": Example("Keras 2's examples/cifar10_cnn.py", _cifar10_cnn, "1"),
    "flowers": Example("TensorFlow's image classification tutorial, flowers", _flowers, None),
}


def shake(layer_or_model: Any, rng: Any) -> None:
    """Replace zero biases, ones and fresh statistics by numbers that a mistake would show in.

    ``rng``: a ``numpy.random.Generator``.
    """
    for weight in layer_or_model.weights:
        if weight.name in _ZEROS:
            weight.assign(rng.normal(0, 0.3, weight.shape).astype("float32"))
        elif weight.name in _ONES:
            weight.assign(rng.uniform(0.5, 1.5, weight.shape).astype("float32"))


def shake_network(network: Any, generator: Any) -> None:
    """The same with a network of ours; ``generator``: a ``torch.Generator``."""
    for name, weight in network.state_dict().items():
        if name.rpartition(".")[2] in _ZEROS:
            weight.normal_(0, 0.3, generator=generator)
        elif name.rpartition(".")[2] in _ONES:
            weight.uniform_(0.5, 1.5, generator=generator)
