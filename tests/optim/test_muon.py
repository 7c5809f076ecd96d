"""Muon: orthogonalised steps for kernels, SGD for the rest."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from cnnlab.optim import make_optimizer, orthogonalize


def test_orthogonalize_brings_singular_values_near_one_and_keeps_directions() -> None:
    for shape in [(8, 30), (30, 8), (16, 16)]:
        matrix = torch.randn(shape, generator=torch.Generator().manual_seed(0))
        u, _, v = torch.linalg.svd(matrix, full_matrices=False)
        result = orthogonalize(matrix, steps=5)
        core = u.T @ result @ v.T
        values = core.diagonal()
        assert values.min() > 0.5
        assert values.max() < 1.3
        torch.testing.assert_close(core, torch.diag(values), atol=1e-4, rtol=0)


def test_orthogonalize_in_bf16_gives_about_the_same() -> None:
    matrix = torch.randn(24, 90, generator=torch.Generator().manual_seed(1))
    exact, rounded = orthogonalize(matrix, 3), orthogonalize(matrix, 3, "bf16")
    assert rounded.dtype == torch.float32
    assert 0 < float((exact - rounded).norm() / exact.norm()) < 0.03


def test_muon_multiplies_in_the_precision_of_training() -> None:
    steps = []
    for precision in ("fp32", "bf16"):
        kernel = nn.Parameter(torch.ones(6, 2, 3, 3))
        optimizer = make_optimizer("muon", [("kernel", kernel)], lr=0.1, precision=precision)
        kernel.grad = torch.randn(6, 2, 3, 3, generator=torch.Generator().manual_seed(2))
        optimizer.step()
        steps.append(kernel.detach())
    assert 0 < float((steps[0] - steps[1]).norm()) < 0.05 * float(steps[0].norm())


def test_orthogonalize_takes_zeros() -> None:
    assert not orthogonalize(torch.zeros(4, 9), steps=3).any()


def test_muon_turns_kernels_and_walks_the_rest() -> None:
    rng = np.random.default_rng(3)
    shapes = [(5, 3, 3, 3), (5,), (7, 45), (7,)]
    start, grads = (
        [torch.tensor(rng.normal(0, 1, shape), dtype=torch.float32) for shape in shapes]
        for _ in range(2)
    )
    named = [(f"p{i}", nn.Parameter(value.clone())) for i, value in enumerate(start)]
    optimizer = make_optimizer(
        "muon", named, lr=0.24, head_lr=0.5, bias_lr=0.25, momentum=0.6, sgd_momentum=0.85
    )
    for (_, parameter), grad in zip(named, grads, strict=True):
        parameter.grad = grad.clone()
    optimizer.step()
    kernel = start[0] * 5**0.5 / start[0].norm()
    u, s, v = torch.linalg.svd(grads[0].flatten(1), full_matrices=False)
    # Three steps of the quintic on the singular values themselves.
    s = s / s.norm()
    for _ in range(3):
        s = 3.4445 * s - 4.7750 * s**3 + 2.0315 * s**5
    expected = kernel - 0.24 * ((u * s) @ v).view_as(kernel)
    torch.testing.assert_close(named[0][1].data, expected, atol=1e-5, rtol=1e-5)
    for index, rate in ((1, 0.25), (2, 0.5), (3, 0.25)):
        walked = start[index] - rate * 1.85 * grads[index]
        torch.testing.assert_close(named[index][1].data, walked, atol=1e-6, rtol=1e-6)


def test_muon_takes_kernels_with_more_filters_than_weights_a_filter() -> None:
    named = [("depthwise", nn.Parameter(torch.randn(32, 1, 3, 3)))]
    optimizer = make_optimizer("muon", named, lr=1.0, normalize=False)
    before = named[0][1].detach().clone()
    named[0][1].grad = torch.randn(32, 1, 3, 3)
    optimizer.step()
    values = torch.linalg.svdvals((named[0][1].detach() - before).flatten(1))
    assert 0.3 < values.min() <= values.max() < 1.3


@pytest.mark.parametrize("rescale", [True, False])
def test_muon_normalizes_kernels_only_where_asked(rescale: bool) -> None:
    named = [("kernel", nn.Parameter(torch.full((4, 2, 3, 3), 2.0)))]
    optimizer = make_optimizer("muon", named, lr=1e-6, normalize=rescale)
    named[0][1].grad = torch.randn(4, 2, 3, 3)
    before = named[0][1].norm().item()
    optimizer.step()
    assert named[0][1].norm().item() == pytest.approx(2.0 if rescale else before, rel=1e-4)
