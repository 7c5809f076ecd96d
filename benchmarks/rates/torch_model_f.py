"""Model F and its training in plain torch, as its documentation teaches: cnnlab's peer in speed.

Nothing here is cnnlab's. Images are single precision with the channels first, batches come from a
``DataLoader``, and Keras's defaults that torch does not share are written out.
"""

from __future__ import annotations

import numpy as np
import torch
from harness.records import Record
from harness.step_clock import StepClock
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

__all__ = ["ArrayImages", "count_weights", "measure_plain_loop", "model_f"]

#: Keras's batch normalisation: torch's momentum is what Keras's lacks to 1.
_EPSILON, _MOMENTUM = 1e-3, 0.01


def model_f(height: int, width: int, channels: int, classes: int) -> nn.Sequential:
    """The report's model F for images ``[N, channels, height, width]``."""

    def convolution(inputs: int, outputs: int, size: int) -> list[nn.Module]:
        kernel = nn.Conv2d(inputs, outputs, size, padding=size // 2)
        return [kernel, nn.BatchNorm2d(outputs, _EPSILON, _MOMENTUM), nn.ReLU()]

    return nn.Sequential(
        *convolution(channels, 64, 5),
        nn.MaxPool2d(2),
        *convolution(64, 128, 5),
        *convolution(128, 128, 3),
        nn.MaxPool2d(2),
        nn.Dropout2d(0.15),
        *convolution(128, 256, 3),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(256 * (height // 8) * (width // 8), 256),
        nn.BatchNorm1d(256, _EPSILON, _MOMENTUM),
        nn.ReLU(),
        nn.Dropout(0.25),
        nn.Linear(256, classes),
    )


def count_weights(network: nn.Module) -> int:
    """Trained weights and moving statistics, which are what Keras counts as parameters."""
    return sum(t.numel() for t in network.state_dict().values() if t.is_floating_point())


class ArrayImages(Dataset[tuple[Tensor, Tensor]]):
    """Pixels uint8 ``[N, H, W, C]`` one by one as float32 ``[C, H, W]`` from 0 to 1."""

    def __init__(self, images: NDArray[np.uint8], labels: NDArray[np.int64]) -> None:
        self._images, self._labels = torch.from_numpy(images), torch.from_numpy(labels)

    def __len__(self) -> int:
        return len(self._labels)

    def __getitem__(self, row: int) -> tuple[Tensor, Tensor]:
        return self._images[row].permute(2, 0, 1).float() / 255, self._labels[row]


def measure_plain_loop(
    images: NDArray[np.uint8],
    labels: NDArray[np.int64],
    *,
    classes: int,
    batch_size: int,
    workers: int,
    clock: StepClock,
) -> Record:
    """Train model F until ``clock`` has enough; ``workers`` processes read the images."""
    torch.manual_seed(0)
    _, height, width, channels = images.shape
    network = model_f(height, width, channels, classes).train()
    optimizer = torch.optim.Adamax(network.parameters(), lr=1e-3, weight_decay=1e-4)
    criterion = nn.CrossEntropyLoss()
    loader = DataLoader(
        ArrayImages(images, labels), batch_size=batch_size, shuffle=True, num_workers=workers
    )
    total, enough = 0.0, False
    while not enough:
        clock.pause()
        for inputs, targets in loader:
            optimizer.zero_grad()
            loss = criterion(network(inputs), targets)
            loss.backward()
            optimizer.step()
            total += loss.item()
            enough = clock.step_ended()
            if enough:
                break
    precision = str(next(network.parameters()).dtype).removeprefix("torch.")
    return {**clock.result(), "parameters": count_weights(network), "precision": precision}
