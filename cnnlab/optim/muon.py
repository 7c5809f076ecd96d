"""Muon: orthogonalised momentum for convolutions, SGD for everything else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from cnnlab.optim.base import OPTIMIZERS, Group, GroupOptimizer, OptimizerEntry
from cnnlab.optim.sgd import momentum_directions
from cnnlab.options import Flag, Number, Value

__all__ = ["Muon", "orthogonalize"]

#: The quintic p(x) = ax + bx³ + cx⁵ of K. Jordan's Muon. Its slope at 0 is large, so that few steps
#: do; in return singular values end near 1 (about 0.7 to 1.2), not at 1.
_QUINTIC = (3.4445, -4.7750, 2.0315)
_EPSILON = 1e-7


def orthogonalize(matrix: Tensor, steps: int, precision: str = "fp32") -> Tensor:
    """Bring all singular values of a 2-D tensor near 1 by Newton-Schulz iteration.

    ``precision`` is that of the products, bf16 or fp32; the result is of the matrix's own type.
    Source: K. Jordan, "Muon: an optimizer for hidden layers in neural networks", 2024.
    """
    a, b, c = _QUINTIC
    x = matrix.to(torch.bfloat16 if precision == "bf16" else torch.float32)
    tall = x.shape[0] > x.shape[1]
    x = x.T if tall else x
    x = x / (x.norm() + _EPSILON)
    for _ in range(steps):
        gram = x @ x.T
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return (x.T if tall else x).to(matrix.dtype)


class Muon(GroupOptimizer):
    """Muon on 4-D kernels (as filters by the rest), SGD with Nesterov momentum on the others.

    Each kernel is first scaled to the norm √filters (where ``normalize``), as cifar10-airbench
    does: what normalisation follows makes its size free anyway, and a fixed size makes every step
    turn it by the same angle.
    """

    def update(self, group: Group, params: list[Tensor], grads: list[Tensor]) -> None:
        directions = momentum_directions(
            grads, self.buffers(params, "velocity"), group["momentum"], nesterov=group["nesterov"]
        )
        if group["orthogonal"]:
            if group["normalize"]:
                for param in params:
                    param.mul_(len(param) ** 0.5 / param.norm().clamp_min(_EPSILON))
            directions = [
                orthogonalize(
                    direction.flatten(1), group["newton_schulz_steps"], group["precision"]
                ).reshape(direction.shape)
                for direction in directions
            ]
        torch._foreach_add_(params, directions, alpha=-group["lr"])


def _build(
    named: Sequence[tuple[str, nn.Parameter]],
    lr: float,
    weight_decay: float,
    options: Mapping[str, Value],
) -> torch.optim.Optimizer:
    kernels = [parameter for _, parameter in named if parameter.ndim == 4]
    matrices = [parameter for _, parameter in named if 2 <= parameter.ndim < 4]
    vectors = [parameter for _, parameter in named if parameter.ndim < 2]
    sgd = {
        "orthogonal": False,
        "momentum": options["sgd_momentum"],
        "nesterov": options["sgd_momentum"] > 0,
    }
    groups: list[Group] = [
        {
            "params": kernels,
            "lr": lr,
            "orthogonal": True,
            "momentum": options["momentum"],
            "nesterov": options["nesterov"],
            "newton_schulz_steps": options["newton_schulz_steps"],
            "normalize": options["normalize"],
        },
        {"params": matrices, "lr": options["head_lr"], **sgd},
        {"params": vectors, "lr": options["bias_lr"], **sgd},
    ]
    return Muon([group for group in groups if group["params"]], {"weight_decay": weight_decay})


OPTIMIZERS.add(
    "muon",
    OptimizerEntry(
        "Muon for convolutions, SGD for the head (head_lr), biases and gammas (bias_lr)",
        _build,
        {
            "momentum": Number(0.6, open_high=True),
            "nesterov": Flag(True),
            "newton_schulz_steps": Number(3, low=1, high=20),
            "normalize": Flag(True),
            "head_lr": Number(0.1, high=1000, open_low=True),
            "bias_lr": Number(0.1, high=1000, open_low=True),
            "sgd_momentum": Number(0.85, open_high=True),
        },
        rates=("head_lr", "bias_lr"),
        search=(1e-4, 100.0),
    ),
)
