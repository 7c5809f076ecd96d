"""Which layer's map, and whose features."""

from __future__ import annotations

import pytest

from cnnlab.errors import InputError
from cnnlab.explanation import feature_layer, fine_map_layer, map_layer
from cnnlab.models import Architecture, load_architecture

CONV = {"type": "Conv2D", "filters": 4, "kernel_size": 3, "padding": "same"}
POOL = {"type": "MaxPooling2D"}
HEAD = [{"type": "Flatten"}, {"type": "Dense", "units": "classes"}]


def _of(*layers: dict[str, object], shape: tuple[int, int, int] = (8, 8, 3)) -> Architecture:
    return Architecture("mine", input_shape=shape, classes=4, layers=layers)


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ([CONV, POOL, *HEAD], "conv2d"),
        ([CONV, POOL, {"type": "Dropout", "rate": 0.5}, *HEAD], "conv2d"),
        (
            [CONV, {"type": "BatchNormalization"}, {"type": "ReLU"}, POOL, *HEAD],
            "re_lu",
        ),
        ([CONV, POOL, {**CONV, "strides": 2}, *HEAD], "conv2d_1"),
        # One pixel shows nothing: 8x8 to 4x4, then 1x1.
        ([CONV, POOL, {**CONV, "kernel_size": 4, "padding": "valid"}, *HEAD], "conv2d"),
        ([POOL, *HEAD], "max_pooling2d"),
    ],
)
def test_it_is_the_last_convolution_with_what_works_on_its_pixels(
    layers: list[dict[str, object]], expected: str
) -> None:
    assert map_layer(_of(*layers)).name == expected


@pytest.mark.parametrize(
    ("model", "expected"),
    [("model-a", "conv2d_2"), ("resnet18", "residual_block_7"), ("fastnet", "activation_6")],
)
def test_of_named_models(model: str, expected: str) -> None:
    assert map_layer(load_architecture(model)).name == expected


@pytest.mark.parametrize(
    ("model", "expected", "size"),
    [
        ("model-f", "activation_3", 8),
        ("resnet18", "residual_block_5", 8),
        ("fastnet", "activation_4", 7),
        ("model-a", "conv2d_2", 14),
    ],
)
def test_the_fine_layer_has_a_fifth_of_the_images_rows(
    model: str, expected: str, size: int
) -> None:
    step = fine_map_layer(load_architecture(model))
    assert (step.name, step.output_shape[:2]) == (expected, (size, size))


def test_where_every_map_is_coarse_the_fine_layer_is_the_last_convolutions() -> None:
    coarse = {**CONV, "strides": 8}
    architecture = _of(coarse, POOL, *HEAD, shape=(32, 32, 3))
    assert fine_map_layer(architecture) == map_layer(architecture)
    assert fine_map_layer(architecture, "max_pooling2d").name == "max_pooling2d"


def test_any_layer_with_a_map_may_be_asked_for() -> None:
    architecture = _of(CONV, POOL, *HEAD)
    assert map_layer(architecture, "max_pooling2d").output_shape == (4, 4, 4)


def test_a_network_without_any_map_says_so() -> None:
    with pytest.raises(InputError, match="use --method occlusion"):
        map_layer(_of(*HEAD, shape=(8, 8, 1)))


@pytest.mark.parametrize(
    ("model", "expected"),
    [("model-a", 64), ("fastnet", 256), ("resnet18", 512), ("model-f", None)],
)
def test_features_are_what_the_last_dense_layer_is_given(model: str, expected: int | None) -> None:
    architecture = load_architecture(model)
    name = feature_layer(architecture)
    step = next(step for step in architecture.steps if step.name == name)
    behind = architecture.steps[architecture.steps.index(step) + 1]
    assert behind.type == "Dense"
    assert behind.output_shape == (10,)
    assert expected in (None, step.output_shape[0])


def test_a_head_that_takes_the_image_has_no_layer_before_it() -> None:
    conv = {"type": "Conv2D", "filters": "classes", "kernel_size": 3}
    architecture = _of(conv, {"type": "GlobalAveragePooling2D"})
    assert feature_layer(architecture) is None
