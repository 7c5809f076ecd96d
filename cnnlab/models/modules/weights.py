"""Drawing a network's weights: Keras's initialisers on torch."""

from __future__ import annotations

import math
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn

__all__ = ["DrawsWeights", "draw_kernel", "draw_weights"]

#: Each name's (scale, which fan, distribution); the variance drawn is scale / fan.
_RULES = {
    "glorot_normal": (1.0, "average", "normal"),
    "glorot_uniform": (1.0, "average", "uniform"),
    "he_normal": (2.0, "in", "normal"),
    "he_uniform": (2.0, "in", "uniform"),
    "lecun_normal": (1.0, "in", "normal"),
    "lecun_uniform": (1.0, "in", "uniform"),
    "fan_in_uniform": (1.0 / 3.0, "in", "uniform"),
    "dirac": (1.0 / 3.0, "in", "uniform"),
}
#: The standard deviation of a standard normal cut at ±2, by which Keras divides.
_CUT_NORMAL_STD = 0.87962566103423978


def draw_kernel(
    kernel: Tensor, name: str, fans: tuple[int, int], generator: torch.Generator | None = None
) -> None:
    """Fill ``kernel`` in place as Keras's initialiser ``name`` does.

    ``fans`` are the inputs and the outputs of one weight. "dirac" draws as torch's default, then
    lets each of the first filters pass one input channel on unchanged (a 4-D kernel's centre).
    """
    scale, which, distribution = _RULES[name]
    fan = fans[0] if which == "in" else (fans[0] + fans[1]) / 2
    variance = scale / max(1.0, fan)
    with torch.no_grad():
        if distribution == "uniform":
            bound = math.sqrt(3.0 * variance)
            kernel.uniform_(-bound, bound, generator=generator)
        else:
            std = math.sqrt(variance) / _CUT_NORMAL_STD
            torch.nn.init.trunc_normal_(kernel, 0.0, std, -2 * std, 2 * std, generator=generator)
        if name == "dirac" and kernel.ndim == 4:
            torch.nn.init.dirac_(kernel[: kernel.shape[1]])


@runtime_checkable
class DrawsWeights(Protocol):
    """A module with weights of its own to draw."""

    def draw_weights(self, generator: torch.Generator | None) -> None:
        """Fill the weights in place."""


def draw_weights(module: nn.Module, generator: torch.Generator | None) -> None:
    """Draw every weight inside ``module``, in the order of its layers."""
    for part in module.modules():
        if isinstance(part, DrawsWeights):
            part.draw_weights(generator)
