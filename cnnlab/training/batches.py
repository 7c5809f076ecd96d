"""A stage's training images, and the order in which an epoch visits them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from cnnlab.config import TrainingConfig
from cnnlab.data.dataset import Dataset
from cnnlab.device import fold_seed
from cnnlab.errors import ConfigError
from cnnlab.inference import Preprocessing
from cnnlab.ranks import world
from cnnlab.registry import suggestion
from cnnlab.training.augment import Augmenter
from cnnlab.training.resizing import Size, SizeSchedule, shrink
from cnnlab.training.stages import Length

__all__ = ["Batches", "check_named_weights", "class_weights"]


def class_weights(labels: NDArray[np.int64], classes: int) -> NDArray[np.float64]:
    """Weights ``n / (k * count)`` that give every class present the same say; float64 ``[C]``."""
    counts = np.bincount(labels, minlength=classes)
    present = np.count_nonzero(counts)
    return np.where(counts > 0, len(labels) / (present * np.maximum(counts, 1)), 0.0)


def check_named_weights(asked: str | Mapping[str, float], dataset: Dataset) -> None:
    """Weights that are given by name have to be of classes that there are (ConfigError)."""
    strange = [] if isinstance(asked, str) else sorted(set(asked) - set(dataset.class_names))
    if strange:
        raise ConfigError(
            f"{dataset.name} has no class '{strange[0]}'",
            where="training.class_weights",
            todo=suggestion(strange[0], list(dataset.class_names)),
        )


class Batches:
    """One stage's images and labels, delivered batch by batch on one device.

    On the processor each batch is gathered from the dataset where it lies, which may be a file
    that is mapped into memory: a million images take no more of it than a thousand. A GPU gets
    the stage's images as one uint8 tensor, and augments a whole epoch at once (cifar10-airbench's
    way). There are no worker processes that could hang or repeat random numbers.

    Where several ranks train together, each has its contiguous part of every batch: order, sizes
    and augmentation are those of the whole batches, whoever asks.
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
        self._images, self._rows = dataset.images, rows
        self._labels = torch.from_numpy(dataset.labels[rows]).to(device)
        self._config, self._seed = config, seed
        self._device, self._ranks = device, world()
        self._preprocessing = preprocessing
        height, width = dataset.images.shape[1:3]
        self._augmenter = Augmenter(
            config.augment, count=len(rows), size=(height, width), seed=seed
        )
        self._sizes = SizeSchedule(
            config.progressive_resizing, full=(height, width), steps=self.length.steps
        )
        self._on_device = None if device.type == "cpu" else self._gather(slice(None)).to(device)
        self._draw_weights: torch.Tensor | None = None
        if config.sampling == "balanced":
            weights = class_weights(dataset.labels[rows], len(dataset.class_names))
            self._draw_weights = torch.from_numpy(weights[dataset.labels[rows]])

    @property
    def length(self) -> Length:
        """How many batches and steps this stage has; an epoch's batches differ by one image."""
        return Length.of(len(self._rows), self._config)

    def epoch(
        self, stage: int, epoch: int, *, first_step: int = 0, size: Size | None = None
    ) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Yield (images float32 ``[B, C, H, W]`` channels last, labels int64 ``[B]``).

        Of several ranks each gets the images of its own rows of a batch alone (a first one where it
        has none), and all labels of the batch, in its order. The order is a function of (seed,
        stage, epoch); ``first_step`` batches are passed over. Images have the size that the
        configuration gives to each step, or else ``size``.
        """
        order = self._order(stage, epoch)
        self._augmenter.start_epoch(stage, epoch)
        batches = self._divided(len(order))[first_step : self.length.steps_of(epoch)]
        own = [places[self._ranks.part(len(places))] for places in batches]
        rows = [order[places] for places in own]
        # Each row has its draw; where rows are drawn with replacement each place, so that an image
        # that comes twice is not augmented alike.
        draws = rows if self._draw_weights is None else own
        shown = (self._one_by_one if self._on_device is None else self._at_once)(rows, draws)
        labels = self._labels_of([order[places] for places in batches])
        before = (epoch - 1) * self.length.batches + first_step
        for step, (images, named) in enumerate(zip(shown, labels, strict=True), start=before):
            sized = shrink(images, size or self._sizes.at(step))
            yield self._preprocessing.apply(sized), named

    def _one_by_one(
        self, batches: Sequence[torch.Tensor], draws: Sequence[torch.Tensor]
    ) -> Iterator[torch.Tensor]:
        for rows, drawn in zip(batches, draws, strict=True):
            yield self._augmenter.apply(self._gather(rows.numpy()), drawn)

    def _at_once(
        self, batches: Sequence[torch.Tensor], draws: Sequence[torch.Tensor]
    ) -> Iterator[torch.Tensor]:
        if self._on_device is None or not batches:
            return iter(())
        images = self._on_device[torch.cat(list(batches)).to(self._device)]
        images = self._augmenter.apply(images, torch.cat(list(draws)))
        return iter(torch.split(images, [len(part) for part in batches]))

    def _labels_of(self, batches: Sequence[torch.Tensor]) -> Iterator[torch.Tensor]:
        """Each batch's labels, on the device: all at once, for each copy to a GPU waits for it."""
        if not batches:
            return iter(())
        rows = torch.cat(list(batches)).to(self._device)
        return iter(torch.split(self._labels[rows], [len(part) for part in batches]))

    def _divided(self, count: int) -> list[torch.Tensor]:
        """The places 0 to ``count`` in as even parts as there are batches: none is a small rest.

        Two images left over would weigh as much as a whole batch, in the weights' last step and
        in moving statistics: of 1,002 images in batches of 250 fastnet learnt a third of what it
        learns of 1,000.
        """
        return list(torch.arange(count).tensor_split(self.length.batches))

    def _gather(self, index: NDArray[np.int64] | slice) -> torch.Tensor:
        """Copies of the stage's images, uint8 ``[B, H, W, C]``, on the processor."""
        return torch.from_numpy(np.asarray(self._images[self._rows[index]]))

    def _order(self, stage: int, epoch: int) -> torch.Tensor:
        generator = torch.Generator().manual_seed(fold_seed(self._seed, "order", stage, epoch))
        count = len(self._rows)
        if self._draw_weights is None:
            return torch.randperm(count, generator=generator)
        return torch.multinomial(self._draw_weights, count, replacement=True, generator=generator)
