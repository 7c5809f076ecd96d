"""Batch normalisation over ranks, as threads of one process, against that of the whole batch."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
import torch

from cnnlab.models.modules import BatchNorm
from cnnlab.ranks import SharedBatch, World

SETTINGS = {"momentum": 0.9, "epsilon": 1e-3, "center": True, "scale": True}


class Table:
    """Where so many threads lay down what they say, and each takes up all of it."""

    def __init__(self, size):
        self.said = [None] * size
        self.barrier = threading.Barrier(size, timeout=60)


@dataclass(frozen=True)
class Threads(World):
    table: Table | None = None

    def gather(self, values):
        self.table.said[self.rank] = values.clone()
        self.table.barrier.wait()
        found = torch.stack(self.table.said)
        self.table.barrier.wait()
        return found


def norm_of(**settings):
    norm = BatchNorm(5, **{**SETTINGS, **settings})
    generator = torch.Generator().manual_seed(1)
    for parameter in norm.parameters():
        torch.nn.init.normal_(parameter, generator=generator)
    return norm


def differentiated(norm, x, wanted):
    """Output, gradients of x, gamma and beta, and moving statistics, of a weighted sum."""
    x = x.clone().requires_grad_()
    y = norm(x)
    (y.float() * wanted).sum().backward()
    return y.detach(), x.grad, [p.grad for p in norm.parameters()], list(norm.buffers())


@pytest.mark.parametrize("shape", [(), (4, 3)])
@pytest.mark.parametrize("settings", [{}, {"scale": False}, {"center": False, "scale": False}])
@pytest.mark.parametrize(("rows", "ranks"), [(11, 3), (2, 3), (8, 2), (1, 2), (6, 1)])
def test_it_is_that_of_the_whole_batch_however_divided(rows, ranks, settings, shape):
    generator = torch.Generator().manual_seed(0)
    # Far from zero: sums of squares alone would lose the deviation.
    x = torch.randn(rows, 5, *shape, generator=generator) * 0.1 + 30
    if shape:
        x = x.contiguous(memory_format=torch.channels_last)
    wanted = torch.randn(x.shape, generator=generator)
    whole_y, whole_dx, whole_gradients, whole_moving = differentiated(
        norm_of(**settings), x, wanted
    )
    table = Table(ranks)

    def work(rank):
        batch = SharedBatch(Threads(rank, ranks, table=table))
        own = batch.divide(rows)
        norm = norm_of(**settings)
        norm.shared = batch
        counted = batch.counts[rank] > 0
        found = differentiated(norm, x[own], wanted[own] * counted)
        return counted, own, found

    with ThreadPoolExecutor(ranks) as pool:
        answers = list(pool.map(work, range(ranks)))
    assert sum(own.stop - own.start for counted, own, _ in answers if counted) == rows
    for counted, own, (y, dx, _, moving) in answers:
        assert torch.equal(moving[0], answers[0][2][3][0])
        for ours, theirs in zip(moving, whole_moving, strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)
        if counted:
            torch.testing.assert_close(y, whole_y[own], rtol=1e-4, atol=2e-4)
            torch.testing.assert_close(dx, whole_dx[own], rtol=1e-3, atol=2e-4)
        else:
            assert not dx.any()
    for at, theirs in enumerate(whole_gradients):
        total = sum(gradients[at] for _, _, (_, _, gradients, _) in answers)
        torch.testing.assert_close(total, theirs, rtol=1e-3, atol=2e-3)


def test_its_gradient_is_that_of_the_formula():
    """In double precision by autograd, from the definition alone."""
    generator = torch.Generator().manual_seed(2)
    x = torch.randn(7, 5, 4, 3, generator=generator)
    wanted = torch.randn(x.shape, generator=generator)
    norm = norm_of()
    norm.shared = SharedBatch(World())
    norm.shared.divide(7)
    y, dx, (dgamma, dbeta), _ = differentiated(norm, x, wanted)
    exact = x.double().requires_grad_()
    gamma, beta = (p.detach().double().requires_grad_() for p in norm.parameters())
    mean = exact.mean((0, 2, 3), keepdim=True)
    variance = (exact - mean).square().mean((0, 2, 3), keepdim=True)
    shape = (1, -1, 1, 1)
    expected = (exact - mean) / (variance + 1e-3).sqrt() * gamma.view(shape) + beta.view(shape)
    (expected * wanted).sum().backward()
    for ours, theirs in ((y, expected), (dx, exact.grad), (dgamma, gamma.grad), (dbeta, beta.grad)):
        torch.testing.assert_close(ours.double(), theirs.detach(), rtol=1e-4, atol=1e-5)


def test_bf16_keeps_its_type_and_its_statistics_in_fp32():
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(6, 5, 4, 4, generator=generator)
    wanted = torch.randn(x.shape, generator=generator)
    norm = norm_of()
    norm.shared = SharedBatch(World())
    norm.shared.divide(6)
    y, dx, _, moving = differentiated(norm, x.bfloat16(), wanted)
    plain_y, plain_dx, _, plain_moving = differentiated(norm_of(), x.bfloat16(), wanted)
    assert y.dtype == dx.dtype == torch.bfloat16
    torch.testing.assert_close(y, plain_y, rtol=0.02, atol=0.02)
    torch.testing.assert_close(dx, plain_dx, rtol=0.05, atol=0.02)
    torch.testing.assert_close(moving, plain_moving, rtol=1e-4, atol=1e-4)
