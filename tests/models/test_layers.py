"""Every layer of the vocabulary against Keras's layer of the same name and arguments."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from keras_oracle import as_array, channels_first, channels_last, shake, torch_weights
from torch.utils.flop_counter import FlopCounterMode
from versus_keras.layers import keras_layer

from cnnlab.errors import ArchitectureError
from cnnlab.models import LAYERS
from cnnlab.models.layers import parse_layer
from cnnlab.models.layers.arguments import ACTIVATIONS
from cnnlab.models.modules import ACTIVATION_FUNCTIONS, draw_weights
from cnnlab.models.plan import snake_case

Item = dict[str, Any]
pairs = st.tuples(st.integers(1, 4), st.integers(1, 4)).map(list) | st.integers(1, 4)
paddings = st.sampled_from(["valid", "same"])
#: Softmax is tried apart: over the channels it says nothing of the layer.
activations = st.sampled_from([None, *(name for name in ACTIVATIONS if name != "softmax")])
rates = st.floats(0, 0.9)
epsilons = st.floats(1e-5, 0.1)


def _item(kind: str, **arguments: st.SearchStrategy[Any]) -> st.SearchStrategy[Item]:
    return st.fixed_dictionaries({"type": st.just(kind)}, optional=arguments)


def _with(base: st.SearchStrategy[Item], **needed: st.SearchStrategy[Any]) -> Any:
    return st.builds(lambda item, extra: {**item, **extra}, base, st.fixed_dictionaries(needed))


_SLIDING = {
    "strides": pairs,
    "padding": paddings,
    "dilation_rate": pairs,
    "activation": activations,
    "use_bias": st.booleans(),
}
ITEMS: dict[str, st.SearchStrategy[Item]] = {
    "Conv2D": _with(
        _item("Conv2D", groups=st.sampled_from([1, 2]), **_SLIDING),
        filters=st.sampled_from([1, 2, 6]),
        kernel_size=pairs,
    ),
    "DepthwiseConv2D": _with(
        _item("DepthwiseConv2D", depth_multiplier=st.integers(1, 3), **_SLIDING), kernel_size=pairs
    ),
    "SeparableConv2D": _with(
        _item("SeparableConv2D", depth_multiplier=st.integers(1, 3), **_SLIDING),
        filters=st.integers(1, 4),
        kernel_size=pairs,
    ),
    "Dense": _with(
        _item("Dense", activation=activations, use_bias=st.booleans()), units=st.integers(1, 5)
    ),
    "MaxPooling2D": _item("MaxPooling2D", pool_size=pairs, strides=pairs, padding=paddings),
    "AveragePooling2D": _with(
        _item("AveragePooling2D", strides=pairs, padding=paddings), pool_size=pairs
    ),
    "GlobalMaxPooling2D": _item("GlobalMaxPooling2D", keepdims=st.booleans()),
    "GlobalAveragePooling2D": _item("GlobalAveragePooling2D", keepdims=st.booleans()),
    "BatchNormalization": _item(
        "BatchNormalization",
        momentum=st.floats(0, 0.999),
        epsilon=epsilons,
        center=st.booleans(),
        scale=st.booleans(),
    ),
    "LayerNormalization": _item(
        "LayerNormalization", epsilon=epsilons, center=st.booleans(), scale=st.booleans()
    ),
    "Activation": _with(_item("Activation"), activation=st.sampled_from(ACTIVATIONS)),
    "ReLU": _item(
        "ReLU",
        max_value=st.none() | st.floats(0, 2),
        negative_slope=st.floats(0, 1),
        threshold=st.floats(0, 1),
    ),
    "LeakyReLU": _item("LeakyReLU", negative_slope=st.floats(0, 1)),
    "Dropout": _with(_item("Dropout"), rate=rates),
    "SpatialDropout2D": _with(_item("SpatialDropout2D"), rate=rates),
    "Flatten": _item("Flatten"),
    "ZeroPadding2D": _item(
        "ZeroPadding2D",
        padding=st.integers(0, 3)
        | st.lists(st.integers(0, 3), min_size=2, max_size=2)
        | st.tuples(*[st.tuples(st.integers(0, 2), st.integers(0, 2))] * 2),
    ),
    "Rescaling": _with(
        _item("Rescaling", offset=st.floats(-2, 2, width=32)), scale=st.floats(-2, 2, width=32)
    ),
}
#: Layers that also take features, (C,), and not only maps.
FLAT = {
    "Activation",
    "BatchNormalization",
    "Dense",
    "Dropout",
    "Flatten",
    "LayerNormalization",
    "LeakyReLU",
    "ReLU",
    "Rescaling",
}


def test_every_layer_is_compared_with_keras() -> None:
    assert sorted(ITEMS) == LAYERS.names()


def _uneven_same(item: Item, shape: tuple[int, ...]) -> bool:
    """Whether Keras on torch would repeat edges where TensorFlow and JAX leave them out."""
    if item["type"] != "AveragePooling2D" or item.get("padding") != "same":
        return False
    pool = np.broadcast_to(item["pool_size"], 2)
    strides = np.broadcast_to(item.get("strides", pool), 2)
    total = [
        max((-(-size // step) - 1) * step + window - size, 0)
        for size, window, step in zip(shape[:2], pool, strides, strict=True)
    ]
    return any(extra % 2 for extra in total)


@pytest.mark.parametrize("kind", sorted(ITEMS))
@settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much],
)
@given(data=st.data())
def test_layer_agrees_with_keras(keras: ModuleType, kind: str, data: st.DataObject) -> None:
    item = data.draw(ITEMS[kind])
    sides = st.integers(1, 9)
    maps = st.tuples(sides, sides, st.sampled_from([1, 2, 4]))
    shape = data.draw(maps | st.tuples(st.integers(1, 6)) if kind in FLAT else maps)
    try:
        _, layer = parse_layer(item, classes=10)
        output_shape = layer.infer(shape)
    except ArchitectureError:
        # Refused; test_architecture.py has each of these errors.
        assume(False)
    theirs = keras_layer(keras, item)
    theirs.build((None, *shape))
    rng = np.random.default_rng(data.draw(st.integers(0, 9)))
    shake(theirs, rng)
    module = layer.build(shape)
    module.load_state_dict(torch_weights(theirs))
    module.eval()
    images = rng.normal(0, 1, (3, *shape)).astype("float32")

    got = channels_last(module(channels_first(images)))

    assert got.shape == (3, *output_shape)
    assert theirs.compute_output_shape((3, *shape)) == (3, *output_shape)
    trainable = sum(int(np.prod(weight.shape)) for weight in theirs.trainable_weights)
    assert layer.trainable_params(shape) == trainable
    assert layer.trainable_params(shape) + layer.non_trainable_params(shape) == (
        theirs.count_params()
    )
    if _uneven_same(item, shape):
        expected = _average_pool_same(images, item)
    else:
        expected = as_array(theirs(images, training=False))
    np.testing.assert_allclose(got, expected, atol=1e-5, rtol=1e-5)


def _average_pool_same(images: np.ndarray, item: Item) -> np.ndarray:
    """The mean over the real pixels under each window, by loops."""
    pool = np.broadcast_to(item["pool_size"], 2)
    strides = np.broadcast_to(item.get("strides", pool), 2)
    count, height, width, channels = images.shape
    outputs = [-(-size // step) for size, step in zip((height, width), strides, strict=True)]
    before = [
        max((out - 1) * step + window - size, 0) // 2
        for out, step, window, size in zip(outputs, strides, pool, (height, width), strict=True)
    ]
    result = np.zeros((count, *outputs, channels), dtype=np.float32)
    for row in range(outputs[0]):
        for column in range(outputs[1]):
            top, left = row * strides[0] - before[0], column * strides[1] - before[1]
            window = images[:, max(top, 0) : top + pool[0], max(left, 0) : left + pool[1]]
            result[:, row, column] = window.mean((1, 2))
    return result


def test_flops_are_what_torch_counts() -> None:
    for item, shape in [
        ({"type": "Conv2D", "filters": 6, "kernel_size": 3, "groups": 2, "strides": 2}, (9, 8, 4)),
        ({"type": "DepthwiseConv2D", "kernel_size": 3, "padding": "same"}, (9, 8, 4)),
        ({"type": "SeparableConv2D", "filters": 5, "kernel_size": [2, 3]}, (9, 8, 4)),
        ({"type": "Dense", "units": 7}, (12,)),
        ({"type": "Dense", "units": 7}, (3, 3, 12)),
    ]:
        _, layer = parse_layer(item, classes=10)
        module = layer.build(shape)
        draw_weights(module, None)
        with FlopCounterMode(display=False) as counter:
            module(channels_first(np.zeros((1, *shape), dtype=np.float32)))
        assert layer.flops(shape) == counter.get_total_flops(), item


def test_flatten_puts_channels_last() -> None:
    images = np.arange(2 * 3 * 4 * 5, dtype=np.float32).reshape(2, 3, 4, 5)
    flat = LAYERS.get("Flatten")().build((3, 4, 5))(channels_first(images))
    np.testing.assert_array_equal(flat.numpy(), images.reshape(2, -1))


def test_activation_names_and_functions_are_the_same() -> None:
    assert sorted(ACTIVATION_FUNCTIONS) == sorted(ACTIVATIONS)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation_agrees_with_keras(keras: ModuleType, name: str) -> None:
    images = np.linspace(-4, 4, 2 * 3 * 3 * 5, dtype=np.float32).reshape(2, 3, 3, 5)
    module = LAYERS.get("Activation")(activation=name).build((3, 3, 5))
    expected = as_array(keras.layers.Activation(name)(images))
    np.testing.assert_allclose(channels_last(module(channels_first(images))), expected, atol=1e-6)
    # Inline, after a convolution that passes its input on.
    conv = LAYERS.get("Conv2D")(
        filters=5, kernel_size=1, activation=name, kernel_initializer="dirac"
    ).build((3, 3, 5))
    draw_weights(conv, None)
    np.testing.assert_allclose(channels_last(conv(channels_first(images))), expected, atol=1e-5)


@pytest.mark.parametrize("kind", LAYERS.names())
def test_automatic_names_are_keras_names(keras: ModuleType, kind: str) -> None:
    assert snake_case(kind) == keras.src.utils.naming.to_snake_case(kind)
