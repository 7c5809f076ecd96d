"""A training step's arithmetic: by hand, and as torch counts what it computes."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from harness.training_flops import training_flops
from torch.nn.functional import cross_entropy
from torch.utils.flop_counter import FlopCounterMode

from cnnlab.models import Architecture, load_architecture

#: On 6 x 6 x 3: 4 filters over 6 x 6 places, 8 filters over 2 x 2 places, 8 numbers to 2.
BY_HAND = 2 * 36 * 4 * 27, 2 * 4 * 8 * 36, 2 * 8 * 2


def small() -> Architecture:
    layers: tuple[dict[str, Any], ...] = (
        {"type": "Conv2D", "filters": 4, "kernel_size": 3, "padding": "same", "name": "first"},
        {"type": "BatchNormalization"},
        {"type": "Activation", "activation": "relu"},
        {"type": "MaxPooling2D", "pool_size": 3},
        {"type": "Conv2D", "filters": 8, "kernel_size": 3, "padding": "same", "name": "second"},
        {"type": "GlobalAveragePooling2D"},
        {"type": "Dense", "units": "classes"},
    )
    return Architecture("small", (6, 6, 3), 2, layers)


@pytest.mark.parametrize(
    ("frozen", "times"),
    [
        ((), (2, 3, 3)),  # nothing asks for the gradient of the images
        (("first",), (1, 3, 3)),  # batch normalisation below the second is trained
        (("first", "batch_normalization"), (1, 2, 3)),
        (("first", "batch_normalization", "second"), (1, 1, 2)),
        (("second",), (2, 2, 3)),  # the gradient passes through what is frozen
    ],
)
def test_by_hand(frozen: tuple[str, ...], times: tuple[int, ...]) -> None:
    expected = sum(flops * n for flops, n in zip(BY_HAND, times, strict=True))
    assert training_flops(small(), frozen) == expected


@pytest.mark.parametrize(
    ("model", "params"),
    [
        ("model-f", {}),
        ("fastnet", {}),
        ("fastnet", {"trainable_bias": True, "widths": [8, 16, 16]}),
    ],
)
def test_is_what_torch_computes(model: str, params: dict[str, Any]) -> None:
    architecture = load_architecture(model, params=params, input_shape=(12, 12, 3), classes=3)
    network = architecture.build().train()
    images = torch.rand(4, 3, 12, 12)
    with FlopCounterMode(display=False) as counter:
        loss = cross_entropy(network(images), torch.tensor([0, 1, 2, 0]))
        loss.backward()  # type: ignore[no-untyped-call] # torch leaves it untyped
    assert 4 * training_flops(architecture) == counter.get_total_flops()
