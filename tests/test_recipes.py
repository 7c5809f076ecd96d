"""What recipes say of where their numbers are from."""

import pytest
import torch
from torch import nn

from cnnlab.models import load_architecture
from cnnlab.optim import make_optimizer
from cnnlab.workflows.configure import configure

#: Of cifar10-airbench's airbench94_muon.py.
BATCH, HEAD_RATE, BIAS_RATE, MOMENTUM, DECAY = 2000, 0.67, 0.053, 0.85, 2e-6 * 2000
STEPS = 40


@pytest.fixture
def speedrun():
    return configure(recipe="speedrun")


def test_speedrun_has_the_scripts_network_and_steps(speedrun):
    network = load_architecture("fastnet", params=speedrun.model.params)
    widths, inside = (64, 256, 256), (24, 64, 256)
    blocks = sum(9 * a * b + 9 * b * b + 2 * b for a, b in zip(inside, widths, strict=True))
    trainable = sum(step.trainable_params for step in network.steps)
    assert trainable == 24 + blocks + 10 * 256
    assert (speedrun.training.batch_size, speedrun.training.epochs) == (BATCH, 8)
    assert speedrun.training.label_smoothing == 0.2
    optimizer = speedrun.optimizer.options()
    assert (speedrun.optimizer.lr, optimizer["momentum"], optimizer["nesterov"]) == (
        0.24,
        0.6,
        True,
    )
    assert (optimizer["newton_schulz_steps"], optimizer["normalize"]) == (3, True)
    assert speedrun.schedule.name == "linear"


def logits(images, head, bias, scale):
    return scale * (images + bias) @ head.T


def parameters(head):
    bias = torch.ones(256, dtype=torch.float64)
    return nn.Parameter(head.clone()), nn.Parameter(bias)


def train(weights, scale, optimizer, batches, times):
    """Steps down a straight line; ``times`` is what the mean loss is multiplied by."""
    for step, (batch, truth) in enumerate(batches):
        optimizer.zero_grad()
        found = logits(batch, *weights, scale)
        (times * nn.functional.cross_entropy(found, truth, label_smoothing=0.2)).backward()
        for group in optimizer.param_groups:
            group["lr"] = group.setdefault("initial_lr", group["lr"]) * (1 - step / STEPS)
        optimizer.step()


# Decay within the momentum and beside it are alike over many steps only.
@pytest.mark.parametrize(("decay", "apart"), [(0.0, 1e-3), (1.0, 0.1)])
def test_speedruns_rates_move_the_logits_as_the_scripts_do(speedrun, decay, apart):
    """The same head and bias, in the script's form and in ours, on the same batches."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(STEPS + 1, 64, 256, generator=generator, dtype=torch.float64)
    labels = torch.randint(10, (STEPS, 64), generator=generator)
    head = torch.randn(10, 256, generator=generator, dtype=torch.float64)
    chosen, scale = speedrun.optimizer, speedrun.model.params["logit_scale"]

    theirs, ours = parameters(head), parameters(head / 256 / scale)
    rates = zip(theirs, (HEAD_RATE, BIAS_RATE), strict=True)
    sgd = torch.optim.SGD(
        [{"params": [w], "lr": lr, "weight_decay": decay * DECAY / lr} for w, lr in rates],
        momentum=MOMENTUM,
        nesterov=True,
    )
    muon = make_optimizer(
        chosen.name,
        zip(("head", "bias"), ours, strict=True),
        lr=chosen.lr,
        weight_decay=decay * chosen.weight_decay,
        **chosen.options(),
    )
    before = logits(images[-1], *theirs, 1 / 256).detach()
    # The script sums over its batch.
    train(theirs, 1 / 256, sgd, zip(images[:-1], labels, strict=True), BATCH)
    train(ours, scale, muon, zip(images[:-1], labels, strict=True), 1)
    expected, found = logits(images[-1], *theirs, 1 / 256), logits(images[-1], *ours, scale)
    moved = (expected - before).norm()
    assert moved > before.norm() / 2
    assert (found - expected).norm() < apart * moved
