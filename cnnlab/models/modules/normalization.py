"""Normalisation over the channels."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from cnnlab.models.modules.shaping import over_channels
from cnnlab.models.modules.shared_norm import shared_batch_norm
from cnnlab.ranks import SharedBatch

__all__ = ["BatchNorm", "LayerNorm"]


def _scale_or_ones(gamma: Tensor | None, beta: Tensor | None) -> Tensor | None:
    """Return ``gamma``, or ones where torch fails without: a GPU's gradient of ``beta`` alone.

    There its backward pass gives ``beta`` a gradient without values: an error (torch 2.11).
    """
    if gamma is not None or beta is None or not beta.is_cuda:
        return gamma
    return torch.ones_like(beta)


class BatchNorm(nn.Module):
    """Batch normalisation whose moving variance is that of the biased batch variance, as Keras's.

    One value a channel (a batch of one at 1x1) has variance 0: the output is ``beta``. Where
    ``frozen``, the moving statistics are used and kept in training too, as in Keras where
    ``trainable`` is false. Where the batch is ``shared`` by several ranks, its statistics are those
    of all their rows.
    """

    moving_mean: Tensor
    moving_variance: Tensor

    def __init__(
        self, channels: int, *, momentum: float, epsilon: float, center: bool, scale: bool
    ) -> None:
        super().__init__()
        self.momentum = momentum
        self.epsilon = epsilon
        self.frozen = False
        self.shared: SharedBatch | None = None
        self.gamma = nn.Parameter(torch.ones(channels)) if scale else None
        self.beta = nn.Parameter(torch.zeros(channels)) if center else None
        self.register_buffer("moving_mean", torch.zeros(channels))
        self.register_buffer("moving_variance", torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        gamma = _scale_or_ones(self.gamma, self.beta)
        if self.frozen or not self.training:
            return functional.batch_norm(
                x, self.moving_mean, self.moving_variance, gamma, self.beta, eps=self.epsilon
            )
        if self.shared is not None:
            y, mean, variance = shared_batch_norm(
                x, self.gamma, self.beta, self.epsilon, self.shared
            )
            self._update(mean, variance)
            return y
        count = x.numel() // x.shape[1]
        if count == 1:
            self._update(x.detach().flatten(), torch.zeros_like(self.moving_variance))
            return self._of_single_values(x)
        mean, variance = torch.zeros_like(self.moving_mean), torch.zeros_like(self.moving_variance)
        y = functional.batch_norm(
            x, mean, variance, gamma, self.beta, training=True, momentum=1.0, eps=self.epsilon
        )
        self._update(mean, variance * ((count - 1) / count))
        return y

    def _update(self, mean: Tensor, variance: Tensor) -> None:
        with torch.no_grad():
            self.moving_mean.lerp_(mean.to(self.moving_mean.dtype), 1 - self.momentum)
            self.moving_variance.lerp_(variance, 1 - self.momentum)

    def _of_single_values(self, x: Tensor) -> Tensor:
        y = x - x
        shape = (1, -1, 1, 1)[: x.ndim]
        if self.gamma is not None:
            y = y * self.gamma.view(shape)
        return y if self.beta is None else y + self.beta.view(shape)


class LayerNorm(nn.Module):
    """Layer normalisation over the channels of each pixel."""

    def __init__(self, channels: int, *, epsilon: float, center: bool, scale: bool) -> None:
        super().__init__()
        self.epsilon = epsilon
        self.gamma = nn.Parameter(torch.ones(channels)) if scale else None
        self.beta = nn.Parameter(torch.zeros(channels)) if center else None

    def _normalize(self, x: Tensor) -> Tensor:
        return functional.layer_norm(x, x.shape[-1:], self.gamma, self.beta, self.epsilon)

    def forward(self, x: Tensor) -> Tensor:
        return over_channels(self._normalize, x)
