"""Both ways, with Keras as the oracle: the zoo, published examples, odd forms, drawn networks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from shaken_bundles import shaken
from small_bundles import bundle_of_architecture, random_images
from versus_keras.examples import EXAMPLES, shake
from versus_keras.layers import keras_model

from cnnlab.errors import ArchitectureError, InputError
from cnnlab.exporting import export
from cnnlab.interop.keras import import_keras
from cnnlab.interop.keras.variables import variables_of
from cnnlab.models import LAYERS, Architecture, load_architecture
from cnnlab.models.layers import parse_layer
from cnnlab.models.plan import plan

pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation doesn't accept a copy:DeprecationWarning"
)
ZOO = [f"model-{letter}" for letter in "abcdef"]


@pytest.fixture(autouse=True)
def _few_images(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer generated images than users get."""
    monkeypatch.setattr("cnnlab.exporting.images._GENERATED", 4)


def _answers(model: Any, images: np.ndarray) -> np.ndarray:
    return np.asarray(model(images, training=False).detach().cpu())


def _worth_comparing(logits: np.ndarray) -> bool:
    return bool(np.abs(logits).max() > 1e-3)


@pytest.mark.parametrize("name", ZOO)
def test_the_zoo_there_and_back(keras: ModuleType, tmp_path: Path, name: str) -> None:
    architecture = load_architecture(name)
    bundle = shaken(
        bundle_of_architecture(architecture, temperature=1.5), tmp_path / "a.safetensors"
    )
    exported = export(bundle.source, tmp_path / "a.keras", format="keras")
    back = import_keras(exported.path, tmp_path / "b.safetensors")

    images = random_images(3, architecture.input_shape)
    expected = bundle.logits(images)
    theirs = keras.saving.load_model(exported.path, compile=False)
    assert _worth_comparing(expected)
    np.testing.assert_allclose(_answers(theirs, images), expected, atol=1e-4)
    np.testing.assert_allclose(back.bundle.logits(images), expected, atol=1e-5)
    assert theirs.count_params() == architecture.summary().total_params
    assert [layer.name for layer in theirs.layers[1:]] == [s.name for s in architecture.steps]
    assert back.bundle.architecture.steps == architecture.steps
    assert (back.bundle.class_names, back.bundle.temperature) == (bundle.class_names, 1.5)
    assert exported.certificate.parity.largest_difference <= 1e-4


@pytest.mark.parametrize("name", EXAMPLES)
def test_published_examples(keras: ModuleType, tmp_path: Path, name: str) -> None:
    example = EXAMPLES[name]
    model = example.build(keras)
    rng = np.random.default_rng(5)
    shake(model, rng)
    images = random_images(3, model.input_shape[1:])
    theirs = _answers(model, images / np.float32(255) if example.scale == "1" else images)
    model.save(tmp_path / "model.keras")

    bundle = import_keras(
        tmp_path / "model.keras", tmp_path / "m.safetensors", scale=example.scale
    ).bundle
    ours = bundle.logits(images)
    assert _worth_comparing(theirs)
    if np.allclose(theirs.sum(1), 1):  # it ends with a softmax
        np.testing.assert_allclose(bundle.probabilities(ours), theirs, atol=1e-5)
    else:
        np.testing.assert_allclose(ours, theirs, atol=1e-4)
    assert bundle.architecture.summary().total_params == model.count_params()


def _adapted(keras: ModuleType) -> Any:
    """Statistics that a layer measured, and a network within the network."""
    layers = keras.layers
    normalization = layers.Normalization(axis=-1)
    normalization.adapt(random_images(20, (8, 7, 3), seed=1).astype("float32"))
    inner = keras.Sequential([layers.Conv2D(4, 3), layers.BatchNormalization(), layers.ReLU(6.0)])
    return keras.Sequential(
        [
            keras.Input((8, 7, 3)),
            normalization,
            layers.SeparableConv2D(5, 2, depth_multiplier=2, activation="silu"),
            inner,
            layers.SpatialDropout2D(0.2),
            layers.GlobalMaxPooling2D(),
            layers.Dense(3, kernel_regularizer="l2"),
            layers.Softmax(),
        ]
    )


def _functional(keras: ModuleType) -> Any:
    """A chain that somebody wrote with the functional interface, activations as layers."""
    layers = keras.layers
    images = keras.Input((8, 7, 3), name="photo")
    x = layers.Rescaling(1 / 127.5, offset=-1.0)(images)
    x = layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2, use_bias=False)(x)
    x = layers.LayerNormalization()(x)
    x = layers.LeakyReLU(negative_slope=0.2)(x)
    x = layers.Conv2D(6, 3, strides=2, padding="same", groups=2, activation=layers.ReLU())(x)
    x = layers.AveragePooling2D(2)(x)
    x = layers.ELU()(layers.ZeroPadding2D(1)(x))
    x = layers.Dense(3)(layers.Flatten()(x))
    return keras.Model(images, layers.Activation("softmax")(x))


def _binary(keras: ModuleType) -> Any:
    """Yes or no."""
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((8, 7, 3)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(4, (2, 3), dilation_rate=2, activation="tanh"),
            layers.GaussianNoise(0.1),
            layers.GlobalAveragePooling2D(),
            layers.Dense(1, activation="sigmoid"),
        ]
    )


@pytest.mark.parametrize("build", [_adapted, _functional, _binary])
@pytest.mark.parametrize("ending", [".keras", ".h5"])
def test_forms_that_models_have(
    keras: ModuleType, tmp_path: Path, build: Callable[[ModuleType], Any], ending: str
) -> None:
    model = build(keras)
    shake(model, np.random.default_rng(6))
    path = tmp_path / f"model{ending}"
    model.save(path)
    if ending == ".h5" and build is _adapted:
        with pytest.raises(InputError, match="within a model within the model"):
            import_keras(path, tmp_path / "m.safetensors")
        return
    bundle = import_keras(path, tmp_path / "m.safetensors").bundle
    images = random_images(4, (8, 7, 3))
    theirs = _answers(model, images.astype("float32"))
    ours = bundle.probabilities(bundle.logits(images))
    assert _worth_comparing(theirs)
    np.testing.assert_allclose(ours[:, -theirs.shape[1] :], theirs, atol=1e-5)


CONVOLUTIONS = st.one_of(
    st.fixed_dictionaries(
        {
            "type": st.just("Conv2D"),
            "filters": st.integers(1, 5),
            "kernel_size": st.integers(1, 3) | st.tuples(st.integers(1, 3), st.integers(1, 3)),
            "strides": st.integers(1, 2),
            "padding": st.sampled_from(["same", "valid"]),
            "activation": st.sampled_from([None, "relu", "selu", "swish"]),
            "use_bias": st.booleans(),
        }
    ),
    st.fixed_dictionaries(
        {
            "type": st.sampled_from(["DepthwiseConv2D", "SeparableConv2D"]),
            "kernel_size": st.integers(1, 3),
            "dilation_rate": st.integers(1, 2),
            "depth_multiplier": st.integers(1, 2),
        }
    ).map(lambda item: {**item, "filters": 3} if "Sep" in item["type"] else item),
)
OTHERS = st.one_of(
    st.fixed_dictionaries(
        {"type": st.just("MaxPooling2D"), "strides": st.sampled_from([None, 1, 2])}
    ),
    st.fixed_dictionaries({"type": st.just("AveragePooling2D"), "pool_size": st.integers(1, 2)}),
    st.fixed_dictionaries(
        {"type": st.just("BatchNormalization"), "scale": st.booleans(), "center": st.booleans()}
    ),
    st.fixed_dictionaries({"type": st.just("LayerNormalization"), "epsilon": st.just(1e-4)}),
    st.fixed_dictionaries({"type": st.just("Activation"), "activation": st.just("gelu")}),
    st.fixed_dictionaries({"type": st.just("ReLU"), "max_value": st.just(2.0)}),
    st.fixed_dictionaries({"type": st.just("Dropout"), "rate": st.just(0.3)}),
    st.fixed_dictionaries({"type": st.just("ZeroPadding2D"), "padding": st.just([[1, 0], [2, 1]])}),
)


@st.composite
def networks(draw: st.DrawFn) -> list[dict[str, Any]]:
    """A few layers on maps, and an end."""
    layers = draw(st.lists(CONVOLUTIONS | OTHERS, min_size=1, max_size=4))
    end = draw(st.sampled_from(["Flatten", "GlobalAveragePooling2D", "GlobalMaxPooling2D"]))
    return [*layers, {"type": end}, {"type": "Dense", "units": "classes"}]


@settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(layers=networks())
def test_drawn_networks_both_ways(
    keras: ModuleType, tmp_path_factory: pytest.TempPathFactory, layers: list[dict[str, Any]]
) -> None:
    shape, folder = (9, 8, 3), tmp_path_factory.mktemp("drawn")
    try:
        Architecture("drawn", input_shape=shape, classes=3, layers=tuple(layers))
    except ArchitectureError:
        assume(False)
    model = keras_model(keras, layers, shape, classes=3)
    shake(model, np.random.default_rng(7))
    model.save(folder / "drawn.keras")
    bundle = import_keras(folder / "drawn.keras", folder / "drawn.safetensors", scale="1").bundle

    images = random_images(3, shape)
    theirs = _answers(model, images / np.float32(255))
    np.testing.assert_allclose(bundle.logits(images), theirs, atol=1e-4, rtol=1e-5)
    exported = export(bundle.source, folder / "again.keras", format="keras")
    again = import_keras(exported.path, folder / "again.safetensors").bundle
    assert again.architecture.steps == bundle.architecture.steps
    np.testing.assert_allclose(again.logits(images), theirs, atol=1e-4, rtol=1e-5)


@pytest.mark.parametrize("kind", LAYERS.names())
def test_every_layer_s_variables_are_its_parameters(kind: str) -> None:
    needed = {"filters": 4, "kernel_size": 3, "units": 4, "rate": 0.1, "pool_size": 2}
    needed |= {"activation": "relu", "scale": 2.0, "depth_multiplier": 2}
    fields = LAYERS.get(kind).__dataclass_fields__
    item = {"type": kind, **{key: value for key, value in needed.items() if key in fields}}
    if "Normalization" in kind:
        del item["scale"]
    (step,) = plan([parse_layer(item, classes=2)], (8, 8, 6), where="a test")
    variables = variables_of(step)
    total = sum(int(np.prod(variable.shape)) for variable in variables)
    assert total == step.trainable_params + step.non_trainable_params
    for variable in variables:
        array = np.arange(np.prod(variable.shape), dtype=np.float32).reshape(variable.shape)
        np.testing.assert_array_equal(variable.to_keras(variable.to_torch(array)), array)
