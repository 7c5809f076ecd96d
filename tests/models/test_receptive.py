"""Receptive fields, held against the gradients of real networks."""

import pytest
import torch

from cnnlab.models import MODELS, load_architecture
from cnnlab.models.architecture import Architecture
from cnnlab.models.receptive import last_field, receptive_fields

SIDE = 65


def measured(layers, which):
    """Rows and columns of the image that the middle unit of a layer's map depends on."""
    full = [*layers, {"type": "GlobalAveragePooling2D"}, {"type": "Dense", "units": 2}]
    architecture = Architecture("x", (SIDE, SIDE, 1), 2, layers=tuple(full))
    network = architecture.build(torch.Generator().manual_seed(0)).eval()
    for parameter in network.parameters():
        parameter.data.uniform_(0.5, 1.5)  # nothing cancels, nothing is cut to zero
    image = torch.rand(1, 1, SIDE, SIDE, requires_grad=True)
    values = image
    for module in list(network)[: which + 1]:
        values = module(values)
    height, width = values.shape[2:]
    values[0, :, height // 2, width // 2].sum().backward()
    seen = image.grad[0, 0] != 0
    found = receptive_fields(architecture.steps)[which]
    return found, (int(seen.any(1).sum()), int(seen.any(0).sum()))


def test_it_is_what_gradients_reach():
    layers = [
        {"type": "Conv2D", "filters": 2, "kernel_size": [3, 5], "padding": "same"},
        {"type": "AveragePooling2D", "pool_size": 2},
        {"type": "Conv2D", "filters": 2, "kernel_size": 3, "dilation_rate": 2},
        {"type": "Conv2D", "filters": 3, "kernel_size": 3, "strides": 2, "padding": "same"},
        {"type": "SeparableConv2D", "filters": 2, "kernel_size": 3},
    ]
    for which in range(len(layers)):
        found, reached = measured(layers, which)
        assert found == reached


@pytest.mark.parametrize(
    ("model", "field"),
    [("model-a", 18), ("model-b", 18), ("model-e", 58), ("model-f", 32), ("resnet18", 109)],
)
def test_the_last_map_of_each_model(model, field):
    """By hand: model B is 7, 8 (pool), +2*2, +2*2, +2 (pool)."""
    assert last_field(load_architecture(model).steps) == (field, field)


@pytest.mark.parametrize("model", MODELS)
def test_fields_only_grow_and_end_with_the_map(model):
    steps = load_architecture(model).steps
    fields = receptive_fields(steps)
    maps = [len(step.output_shape) == 3 for step in steps]
    assert [field is not None for field in fields] == maps
    grown = [field for field in fields if field]
    assert grown == sorted(grown)
    text = load_architecture(model).summary().to_text()
    assert f"Receptive field: {grown[-1][0]}x{grown[-1][1]} of" in text
