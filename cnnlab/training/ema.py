"""An exponential moving average of a network's weights."""

from __future__ import annotations

import copy

import torch

__all__ = ["MovingAverage"]


class MovingAverage:
    """Keeps ``average = decay * average + (1 - decay) * weights`` after every step.

    The decay is warmed up as ``(1 + step) / (10 + step)``, so that short runs are not dominated
    by their first weights (TensorFlow's ``ExponentialMovingAverage``). Buffers are copied.
    """

    def __init__(self, network: torch.nn.Module, decay: float) -> None:
        self.network = copy.deepcopy(network).requires_grad_(False)
        self._decay = decay

    @torch.no_grad()
    def update(self, network: torch.nn.Module, step: int) -> None:
        """Take in the weights after optimizer step ``step`` (counted from 1)."""
        decay = min(self._decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(list(self.network.parameters()), list(network.parameters()), 1 - decay)
        for kept, current in zip(self.network.buffers(), network.buffers(), strict=True):
            kept.copy_(current)
