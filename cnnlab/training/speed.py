"""How many images a second a network trains on this machine: a measurement of a few steps."""

from __future__ import annotations

import time

import torch
from torch.nn import functional

from cnnlab.config import RunConfig
from cnnlab.device import choose_threads, set_up_torch, synchronize
from cnnlab.inference import place
from cnnlab.models import Architecture
from cnnlab.optim import make_optimizer

__all__ = ["measure_images_per_second"]

_LEAST_SECONDS = 1.0
_LEAST_STEPS = 2


def measure_images_per_second(architecture: Architecture, config: RunConfig) -> float:
    """Train on random images for about a second, after one step of warm-up.

    ``config`` must be resolved (device, precision, threads); its batch size is used.
    """
    device = torch.device(config.device)
    set_up_torch(choose_threads(config.threads)[0])
    height, width, channels = architecture.input_shape
    batch = config.training.batch_size
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(batch, channels, height, width, generator=generator).to(device)
    images = images.to(memory_format=torch.channels_last)
    labels = torch.randint(architecture.classes, (batch,), generator=generator).to(device)
    network = place(architecture.build(), device).train()
    chosen = config.optimizer
    optimizer = make_optimizer(
        chosen.name,
        list(network.named_parameters()),
        lr=chosen.lr,
        precision=config.precision,
        **chosen.options(),
    )

    def step() -> None:
        bf16 = config.precision == "bf16"
        with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
            logits = network(images)
        optimizer.zero_grad(set_to_none=True)
        functional.cross_entropy(logits.float(), labels).backward()  # type: ignore[no-untyped-call] # torch's
        optimizer.step()
        synchronize(device)

    step()
    start, steps = time.perf_counter(), 0
    while steps < _LEAST_STEPS or time.perf_counter() - start < _LEAST_SECONDS:
        step()
        steps += 1
    return steps * batch / (time.perf_counter() - start)
