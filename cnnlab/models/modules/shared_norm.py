"""Batch normalisation over a batch whose rows are divided among several ranks."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

from cnnlab.ranks import SharedBatch

__all__ = ["shared_batch_norm"]


def shared_batch_norm(
    x: Tensor, gamma: Tensor | None, beta: Tensor | None, epsilon: float, batch: SharedBatch
) -> tuple[Tensor, Tensor, Tensor]:
    """Normalise this rank's rows by the moments of all ranks' rows.

    As synchronised batch normalisation does everywhere (C. Peng and others, "MegDet", 2018):
    each rank gives mean and variance of its rows, which are put together by the parallel formula
    of T. Chan, G. Golub and R. LeVeque (1979), every rank with as many rows as it has. So shares
    may differ, and nothing is lost where a mean is large against its deviation. torch's
    ``SyncBatchNorm`` takes tensors on GPUs alone.

    Parameters
    ----------
    x: ``[N, C, H, W]`` or ``[N, C]``, this rank's rows.
    gamma, beta: ``[C]``; None: 1 and 0.
    batch: how many rows each rank has; one that has none brings a row that does not count.

    Returns
    -------
    The rows normalised, and mean and biased variance (float32 ``[C]``) of the whole batch, which
    have no gradient. ``x`` has that of all ranks' losses; gamma's and beta's are of this rank's
    rows alone, for these are summed as those of all parameters are.
    """
    ones = torch.ones(x.shape[1], device=x.device)
    gamma = ones if gamma is None else gamma
    beta = torch.zeros_like(ones) if beta is None else beta
    apply: Any = _SharedBatchNorm.apply  # which torch leaves untyped
    y, mean, variance = apply(x, gamma, beta, epsilon, batch)
    return y, mean, variance


def _moments(x: Tensor, batch: SharedBatch) -> tuple[Tensor, Tensor]:
    """Mean and biased variance of all ranks' rows, the same on all to the last bit."""
    unused = torch.zeros(x.shape[1], device=x.device)  # says that sums are kept in float32
    own = torch.stack(torch.batch_norm_update_stats(x, unused, unused.clone(), 0.0)).float()
    means, variances = batch.world.gather(own).double().unbind(1)
    counts = torch.tensor(batch.counts, dtype=torch.float64, device=x.device)
    shares = (counts / counts.sum())[:, None]
    mean = (shares * means).sum(0)
    variance = (shares * (variances + (means - mean).square())).sum(0)
    return mean.float(), variance.float()


class _SharedBatchNorm(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, gamma: Tensor, beta: Tensor, epsilon: float, batch: SharedBatch
    ) -> tuple[Tensor, Tensor, Tensor]:
        mean, variance = _moments(x, batch)
        y = functional.batch_norm(x, mean, variance, gamma, beta, eps=epsilon)
        ctx.save_for_backward(x, gamma, mean, variance)
        ctx.epsilon, ctx.world, ctx.counts = epsilon, batch.world, batch.counts
        ctx.mark_non_differentiable(mean, variance)
        return y, mean, variance

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Any, grad: Tensor, _mean: Tensor, _variance: Tensor
    ) -> tuple[Tensor | None, ...]:
        x, gamma, mean, variance = ctx.saved_tensors
        if x.ndim == 4 and x.is_contiguous(memory_format=torch.channels_last):
            grad = grad.contiguous(memory_format=torch.channels_last)
        # As if mean and variance were constants: then what they add, from the sums of all ranks.
        dx, dgamma, dbeta = torch.ops.aten.native_batch_norm_backward(
            grad, x, gamma, mean, variance, None, None, False, ctx.epsilon, [True, True, True]
        )
        sums = ctx.world.gather(torch.stack((dbeta, dgamma)).float()).double().sum(0)
        if ctx.counts[ctx.world.rank]:
            values = sum(ctx.counts) * (x.numel() // (x.shape[0] * x.shape[1]))
            inverse = (variance.double() + ctx.epsilon).rsqrt()
            scale = gamma.double() * inverse / values
            slope = -scale * inverse * sums[1]
            offset = -scale * sums[0] - slope * mean.double()
            shape = (1, -1, 1, 1)[: x.ndim]
            dx = torch.addcmul(dx + offset.float().view(shape), x, slope.float().view(shape))
        return dx.to(x.dtype), dgamma.to(gamma.dtype), dbeta.to(gamma.dtype), None, None
