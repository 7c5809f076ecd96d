"""Adam with Keras's arithmetic."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from inspect import unwrap
from typing import Any

import torch
from torch import Tensor, nn

from cnnlab.optim.base import OPTIMIZERS, Group, OptimizerEntry, QuickToStart, alike
from cnnlab.options import Number

__all__ = ["ADAM_OPTIONS", "Adam"]

ADAM_OPTIONS = {
    "beta_1": Number(0.9, open_high=True),
    "beta_2": Number(0.999, open_high=True),
    "epsilon": Number(1e-7, open_low=True),
}


#: As in :class:`cnnlab.optim.base.QuickToStart`.
_ADAMW_STEP = unwrap(torch.optim.AdamW.step)


class Adam(QuickToStart, torch.optim.AdamW):
    """Adam (Kingma and Ba, 2015) as Keras computes it, in torch's fused kernel.

    The fused kernel goes over the memory once, which is most of the work at batch size 1. Keras
    adds ε to √v before the bias correction (the paper's "ε hat"), torch after it; the two are the
    same when torch is given ε / √(1 - β₂ᵗ), so every step t sets that.
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
            params, lr=lr, betas=(beta_1, beta_2), weight_decay=weight_decay, fused=True
        )
        for group in self.param_groups:
            group["epsilon"] = epsilon
            group["steps"] = 0

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter that has a gradient; return the closure's loss, if any."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        rates = [group["lr"] for group in self.param_groups]
        for group in self.param_groups:
            group["steps"] += 1
            _speak_keras(group)
            for param in group["params"]:
                _align(param, self.state.get(param, {}))
        try:
            with torch.no_grad():
                _ADAMW_STEP(self)
        finally:
            for group, rate in zip(self.param_groups, rates, strict=True):
                group["lr"] = rate
        return loss


def _speak_keras(group: Group) -> None:
    """Set ε, and the rate for one step, such that torch's formula gives Keras's result.

    Keras takes 1 - βᵗ in float32, where 1 - 0.999 is off by 5e-5; the rate carries that over.
    """
    beta_1, beta_2 = group["betas"]
    step = group["steps"]
    exact = math.sqrt(1 - beta_2**step) / (1 - beta_1**step)
    powers = torch.tensor([beta_1, beta_2], dtype=torch.float32) ** step
    first, second = (1 - powers).tolist()
    group["lr"] *= math.sqrt(second) / first / exact
    group["eps"] = group["epsilon"] / math.sqrt(1 - beta_2**step)


def _align(param: nn.Parameter, state: dict[str, Tensor]) -> None:
    """Lay gradient and state out in memory as the parameter is.

    The fused kernel on the CPU reads all of them in storage order: a state that was loaded
    contiguous beside a parameter that is channels-last would silently be mixed up.
    """
    if param.grad is not None and param.grad.stride() != param.stride():
        param.grad = torch.empty_like(param).copy_(param.grad)
    for name in ("exp_avg", "exp_avg_sq"):
        if name in state and state[name].stride() != param.stride():
            state[name] = torch.empty_like(param).copy_(state[name])


OPTIMIZERS.add("adam", OptimizerEntry("Adam with Keras's arithmetic", alike(Adam), ADAM_OPTIONS))
