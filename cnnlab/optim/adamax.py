"""Adamax with Keras's arithmetic."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from cnnlab.optim.adam import ADAM_OPTIONS
from cnnlab.optim.base import OPTIMIZERS, Group, GroupOptimizer, OptimizerEntry, alike

__all__ = ["Adamax"]


class Adamax(GroupOptimizer):
    """Adamax (Kingma and Ba, 2015) as Keras computes it: ε is added after the maximum.

    torch's Adamax adds ε to the gradient's size before the maximum, and its weight decay to the
    gradient.
    """

    def __init__(
        self,
        params: Iterable[nn.Parameter],
        *,
        lr: float,
        weight_decay: float = 0.0,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "weight_decay": weight_decay,
                "beta_1": beta_1,
                "beta_2": beta_2,
                "epsilon": epsilon,
            },
        )

    def update(self, group: Group, params: list[Tensor], grads: list[Tensor]) -> None:
        means, norms = self.buffers(params, "mean"), self.buffers(params, "norm")
        torch._foreach_lerp_(means, grads, 1 - group["beta_1"])
        torch._foreach_mul_(norms, group["beta_2"])
        torch._foreach_maximum_(norms, torch._foreach_abs(grads))
        corrected = group["lr"] / (1 - group["beta_1"] ** group["steps"])
        torch._foreach_addcdiv_(
            params, means, torch._foreach_add(norms, group["epsilon"]), value=-corrected
        )


OPTIMIZERS.add(
    "adamax", OptimizerEntry("Adamax with Keras's arithmetic", alike(Adamax), ADAM_OPTIONS)
)
