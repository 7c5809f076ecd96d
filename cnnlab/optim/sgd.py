"""Stochastic gradient descent with momentum."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from cnnlab.optim.base import OPTIMIZERS, Group, GroupOptimizer, OptimizerEntry, alike
from cnnlab.options import Flag, Number

__all__ = ["SGD", "momentum_directions"]


def momentum_directions(
    grads: list[Tensor], velocities: list[Tensor], momentum: float, *, nesterov: bool
) -> list[Tensor]:
    """Update ``velocities`` in place (v ← μv + g) and return the directions to go.

    Without Nesterov that is v itself, with it g + μv (Sutskever et al., 2013, in torch's form).
    """
    torch._foreach_mul_(velocities, momentum)
    torch._foreach_add_(velocities, grads)
    if not nesterov:
        return velocities
    return list(torch._foreach_add(grads, velocities, alpha=momentum))


class SGD(GroupOptimizer):
    """SGD with momentum as torch computes it, but with decoupled weight decay."""

    def __init__(
        self,
        params: Iterable[nn.Parameter],
        *,
        lr: float,
        weight_decay: float = 0.0,
        momentum: float = 0.9,
        nesterov: bool = True,
    ) -> None:
        super().__init__(
            params,
            {"lr": lr, "weight_decay": weight_decay, "momentum": momentum, "nesterov": nesterov},
        )

    def update(self, group: Group, params: list[Tensor], grads: list[Tensor]) -> None:
        directions = grads
        if group["momentum"]:
            directions = momentum_directions(
                grads,
                self.buffers(params, "velocity"),
                group["momentum"],
                nesterov=group["nesterov"],
            )
        torch._foreach_add_(params, directions, alpha=-group["lr"])


OPTIMIZERS.add(
    "sgd",
    OptimizerEntry(
        "SGD with Nesterov momentum",
        alike(SGD),
        {"momentum": Number(0.9, open_high=True), "nesterov": Flag(True)},
        search=(1e-5, 100.0),
    ),
)
