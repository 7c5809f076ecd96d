"""Maps lie on the image where their pixels look."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from small_bundles import bundle_of_architecture

from cnnlab.explanation.alignment import Grid, enlarged, grids_at
from cnnlab.models import MODELS, Architecture, load_architecture

SIDE = 32


def _seen(architecture: Architecture, layer: str) -> tuple[np.ndarray, np.ndarray]:
    """The middle of what each row and column of a map depends on, found by slopes.

    Weights and pixels are positive, and pooling becomes a mean, so that nothing hides a slope.
    """
    network = bundle_of_architecture(architecture).network.double()
    for parameter in network.parameters():
        torch.nn.init.constant_(parameter, 0.01)
    pixels = torch.ones(1, 3, SIDE, SIDE, dtype=torch.float64, requires_grad=True)
    x = pixels
    for name, module in network.named_children():
        kind = type(module).__name__
        x = torch.nn.functional.avg_pool2d(x, 2) if kind == "MaxPool2d" else module(x)
        if name == layer:
            break
    found = []
    for axis in (2, 3):
        sums = x.sum(dim=tuple(other for other in (0, 1, 2, 3) if other != axis))
        middles = []
        for value in sums:
            (slope,) = torch.autograd.grad(value, pixels, retain_graph=True)
            used = np.flatnonzero(slope.abs().sum(dim=(0, 1, 5 - axis)).numpy() > 0)
            # At the border a part of the field lies outside.
            middles.append(None if used[0] == 0 or used[-1] == SIDE - 1 else used.mean())
        found.append(middles)
    return found[0], found[1]


CONV = {"type": "Conv2D", "filters": 3, "kernel_size": 3}
STACKS = [
    [CONV],
    [{**CONV, "padding": "same"}, {"type": "MaxPooling2D"}, {**CONV, "padding": "same"}],
    [{**CONV, "kernel_size": 2}, {"type": "MaxPooling2D"}, CONV, {"type": "MaxPooling2D"}],
    [{**CONV, "strides": 2, "padding": "same"}, CONV],
    [{"type": "ZeroPadding2D", "padding": 2}, {**CONV, "kernel_size": 5}],
    [{**CONV, "dilation_rate": 2}, {**CONV, "strides": 3}],
]


@pytest.mark.parametrize("layers", STACKS, ids=str)
def test_pixels_of_a_map_lie_in_the_middle_of_what_they_depend_on(
    layers: list[dict[str, object]],
) -> None:
    head = [{"type": "GlobalAveragePooling2D"}, {"type": "Dense", "units": "classes"}]
    architecture = Architecture(
        "stack", input_shape=(SIDE, SIDE, 3), classes=2, layers=(*layers, *head)
    )
    layer = architecture.steps[len(layers) - 1].name
    checked = 0
    for grid, middles in zip(
        grids_at(architecture.steps, layer), _seen(architecture, layer), strict=True
    ):
        for number, middle in enumerate(middles):
            if middle is not None:
                assert grid.first + grid.step * number == middle
                checked += 1
    assert checked > 4


def test_pooling_that_leaves_nothing_out_is_stretched_as_torch_does_it() -> None:
    small = np.random.default_rng(0).random((4, 8))
    grids = (Grid(3.5, 8.0), Grid(1.5, 4.0))
    expected = torch.nn.functional.interpolate(
        torch.from_numpy(small)[None, None], (32, 32), mode="bilinear", align_corners=False
    )
    np.testing.assert_allclose(enlarged(small, grids, 32, 32), expected[0, 0].numpy(), atol=1e-12)


@pytest.mark.parametrize("name", MODELS)
def test_every_models_map_lies_within_the_image(name: str) -> None:
    steps = load_architecture(name, input_shape=(SIDE, SIDE, 3)).steps
    for step in steps:
        if len(step.output_shape) == 3 and step.output_shape[0] > 1:
            for side, grid in enumerate(grids_at(steps, step.name)):
                assert grid.first >= -0.5
                assert grid.first + grid.step * (step.output_shape[side] - 1) <= SIDE
