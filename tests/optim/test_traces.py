"""Moments that have faded are forgotten before they slow the processor down."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from cnnlab.optim import OPTIMIZERS, forget_traces, make_optimizer


@pytest.mark.parametrize("name", OPTIMIZERS.names())
@pytest.mark.parametrize("forgets", [True, False])
def test_moments_of_weights_that_no_longer_learn_do_not_become_denormal(
    name: str, forgets: bool
) -> None:
    named = [("head", nn.Parameter(torch.ones(50, 40)))]
    optimizer = make_optimizer(name, named, lr=1e-3)
    gradient = torch.rand(50, 40, generator=torch.Generator().manual_seed(0))
    smallest = torch.finfo(torch.float32).tiny
    denormal = 0
    for step in range(1, 1201):
        named[0][1].grad = gradient if step == 1 else torch.zeros(50, 40)
        optimizer.step()
        if forgets and step % 32 == 0:
            forget_traces(optimizer)
        for value in optimizer.state[named[0][1]].values():
            if isinstance(value, torch.Tensor) and value.ndim:
                denormal += int(((value != 0) & (value.abs() < smallest)).sum())
    assert (denormal == 0) is forgets


def test_what_a_step_can_feel_is_remembered() -> None:
    named = [("head", nn.Parameter(torch.ones(3)))]
    optimizer = make_optimizer("adam", named, lr=1e-3)
    named[0][1].grad = torch.tensor([1.0, 1e-12, 1e-20])
    optimizer.step()
    state = optimizer.state[named[0][1]]
    before = {key: value.clone() for key, value in state.items()}
    forget_traces(optimizer)
    assert torch.equal(state["exp_avg"], before["exp_avg"])
    assert torch.equal(state["exp_avg_sq"][:2], before["exp_avg_sq"][:2])
    assert before["exp_avg_sq"][2] != 0 == state["exp_avg_sq"][2]
    assert torch.equal(state["step"], before["step"])
