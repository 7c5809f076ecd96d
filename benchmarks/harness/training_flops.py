"""The arithmetic of a training step: what the model needs, whoever computes it."""

from __future__ import annotations

from collections.abc import Sequence

from cnnlab.models import Architecture

__all__ = ["training_flops"]


def training_flops(architecture: Architecture, frozen: Sequence[str] = ()) -> int:
    """Floating-point operations for one image in one step, forward and backward.

    Twice the multiply-adds of convolutions and dense layers. Such a layer costs as much again for
    the gradient of its kernel, if the kernel is trained, and once more for the gradient of its
    input, if anything below it is trained. Normalisation, activations, pooling, the loss and the
    optimizer are left out, as is usual: so a step does more than what is counted here, and the
    share of a processor's peak that it is said to reach is, if anything, too small.

    ``frozen``: names of layers that training leaves as they are.
    """
    network = architecture.build()
    network.freeze(frozen)
    total, trained_below = 0, False
    for step in architecture.steps:
        parameters = list(network.get_submodule(step.name).parameters())
        kernel_is_trained = any(p.requires_grad and p.ndim > 1 for p in parameters)
        total += step.flops * (1 + kernel_is_trained + trained_below)
        trained_below = trained_below or any(p.requires_grad for p in parameters)
    return total
