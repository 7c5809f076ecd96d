"""The training images on the device, and the order in which an epoch visits them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from cnnlab.config import TrainingConfig
from cnnlab.data.dataset import Dataset
from cnnlab.device import fold_seed
from cnnlab.inference import Preprocessing
from cnnlab.training.augment import Augmenter

__all__ = ["Batches", "class_weights"]


def class_weights(labels: NDArray[np.int64], classes: int) -> NDArray[np.float64]:
    """Weights ``n / (k * count)`` that give every class present the same say; float64 ``[C]``."""
    counts = np.bincount(labels, minlength=classes)
    present = np.count_nonzero(counts)
    return np.where(counts > 0, len(labels) / (present * np.maximum(counts, 1)), 0.0)


class Batches:
    """One stage's images and labels on one device, delivered batch by batch.

    The dataset is one uint8 tensor there; batches are gathered from it, so there are no worker
    processes that could hang or repeat random numbers (cifar10-airbench's way).
    """

    def __init__(
        self,
        dataset: Dataset,
        rows: NDArray[np.int64],
        config: TrainingConfig,
        preprocessing: Preprocessing,
        *,
        seed: int,
        device: torch.device,
    ) -> None:
        images = torch.from_numpy(np.ascontiguousarray(dataset.images[rows])).to(device)
        self.labels = torch.from_numpy(dataset.labels[rows]).to(device)
        self._config, self._seed = config, seed
        self._device = device
        self._preprocessing = preprocessing
        self._augmenter = Augmenter(images, config.augment, seed)
        self._draw_weights: torch.Tensor | None = None
        if config.sampling == "balanced":
            weights = class_weights(dataset.labels[rows], len(dataset.class_names))
            self._draw_weights = torch.from_numpy(weights[dataset.labels[rows]])

    def __len__(self) -> int:
        """Steps an epoch; the last batch may be smaller."""
        return -(-len(self.labels) // self._config.batch_size)

    def epoch(
        self, stage: int, epoch: int, *, first_step: int = 0
    ) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Yield (images float32 ``[B, C, H, W]`` channels last, labels int64 ``[B]``).

        The order is a function of (seed, stage, epoch); ``first_step`` batches are passed over.
        """
        order = self._order(stage, epoch).to(self._device)
        self._augmenter.start_epoch(stage, epoch)
        size = self._config.batch_size
        for start in range(first_step * size, len(order), size):
            rows = order[start : start + size]
            yield self._preprocessing.apply(self._augmenter.batch(rows)), self.labels[rows]

    def _order(self, stage: int, epoch: int) -> torch.Tensor:
        generator = torch.Generator().manual_seed(fold_seed(self._seed, "order", stage, epoch))
        count = len(self.labels)
        if self._draw_weights is None:
            return torch.randperm(count, generator=generator)
        return torch.multinomial(self._draw_weights, count, replacement=True, generator=generator)
