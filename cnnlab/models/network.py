"""The torch module that an architecture becomes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from cnnlab.models.modules import BatchNorm

__all__ = ["InitializesFromImages", "Network"]


@runtime_checkable
class InitializesFromImages(Protocol):
    """A module whose first weights come from data."""

    def initialize_from_images(self, images: Tensor) -> None:
        """Set the weights from the module's own input ``[N, C, H, W]``."""


class Network(nn.Sequential):
    """Layers by name: float ``[N, C, H, W]`` (any memory format) to logits ``[N, classes]``."""

    def __init__(self, layers: dict[str, nn.Module]) -> None:
        super().__init__(OrderedDict(layers))

    def freeze(self, layers: Iterable[str]) -> None:
        """Let training leave these layers as they are, as Keras does where trainable is false.

        Their parameters get no gradient, and their batch normalisation uses its moving statistics
        and keeps them; dropout goes on.
        """
        for name in layers:
            layer = self.get_submodule(name)
            layer.requires_grad_(False)
            for part in layer.modules():
                if isinstance(part, BatchNorm):
                    part.frozen = True

    @property
    def needs_images(self) -> bool:
        """Whether :meth:`initialize_from_images` does anything."""
        return any(isinstance(module, InitializesFromImages) for module in self)

    @torch.no_grad()
    def initialize_from_images(self, images: Tensor) -> None:
        """Set the weights that come from data, once, before the first step.

        ``images``: some hundreds or thousands of training images ``[N, C, H, W]``, normalised as in
        training, on the network's device. A network without such weights is left as it is.
        """
        waiting = sum(isinstance(module, InitializesFromImages) for module in self)
        was_training = self.training
        self.eval()
        x = images
        for module in self:
            if isinstance(module, InitializesFromImages):
                module.initialize_from_images(x)
                waiting -= 1
            if not waiting:  # what follows would be computed for nothing, on thousands of images
                break
            x = module(x)
        self.train(was_training)
