"""``import_keras`` on files made by hand: what is read, changed, left out, said and refused."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_bundles import random_images
from small_keras_files import (
    DENSE,
    IMAGES,
    RESCALING,
    changed,
    expected_logits,
    imported,
    layer,
    layers_of,
    model_of,
    weights_bytes,
    write_archive,
    write_weights,
)

import cnnlab
from cnnlab.bundle import open_bundle
from cnnlab.errors import ArchitectureError, ConfigError, DataError, InputError
from cnnlab.interop.keras import import_keras
from cnnlab.models import load_architecture


def test_logits_are_the_network_s(tmp_path: Path) -> None:
    found = imported(tmp_path)
    bundle = open_bundle(found.path)
    np.testing.assert_allclose(bundle.logits(IMAGES), expected_logits(IMAGES / 255), atol=1e-5)
    assert bundle.preprocessing.to_dict() == {
        "mean": (0.0,) * 3,
        "std": (1.0,) * 3,
        "image_size": (6, 5),
        "resize": "squash",
        "mirror": False,
    }
    assert (bundle.name, bundle.class_names) == ("small", ("0", "1"))
    assert bundle.origin["imported_from"] == "small.keras"
    assert bundle.origin["keras"] == "3.15.1"


def test_the_architecture_is_a_model_file_of_ours(tmp_path: Path) -> None:
    found = imported(tmp_path)
    assert found.architecture_path == tmp_path / "out" / "architecture.yaml"
    architecture = load_architecture(found.architecture_path, input_shape=(32, 32, 3), classes=10)
    assert list(architecture.layers) == [
        {"type": "Conv2D", "kernel_size": 3, "padding": "same", "filters": 4},
        {"type": "BatchNormalization"},
        {"type": "GlobalAveragePooling2D"},
        {"type": "Dense", "units": "classes"},
    ]


def test_what_was_done_is_said(tmp_path: Path) -> None:
    said: list[str] = []
    first = [layer("RandomFlip", "random_flip", mode="horizontal", seed=3), RESCALING]
    found = imported(tmp_path, model_of(layers_of(first=first)), say=said.append)
    assert [line.partition(": ")[2] for line in said] == list(found.notes)
    assert [note.split(",")[0] for note in found.notes] == [
        "left out",
        "'rescaling' (Rescaling) shows that it takes pixels from 0 to 255",
        "'rescaling' (Rescaling) becomes preprocessing",
        "the softmax at its end ('dense') is taken off",
        "the classes have no names in it and are called by their numbers; --classes a",
    ]
    assert "random_flip" in said[0]
    assert found.to_dict()["notes"] == list(found.notes)
    assert f"next: cnnlab predict {found.path} IMAGE" in found.to_text()
    assert cnnlab.import_keras is import_keras


@pytest.mark.parametrize(
    ("first", "scale", "factor", "offset"),
    [
        ([], "255", 1.0, 0.0),
        ([], "minus-one-to-one", 1 / 127.5, -1.0),
        ([RESCALING], None, 1 / 255, 0.0),
        ([layer("Rescaling", "r", scale=1 / 127.5, offset=-1)], None, 1 / 127.5, -1.0),
        # Of numbers up to 1, as somebody says, and then twice as large.
        ([layer("Rescaling", "r", scale=2.0, offset=-1)], "1", 2 / 255, -1.0),
        (
            [RESCALING, layer("Rescaling", "r", scale=[1.0, 2.0, 4.0], offset=[0.0, -1, 0.5])],
            None,
            np.array([1, 2, 4]) / 255,
            np.array([0, -1, 0.5]),
        ),
        (
            [layer("Normalization", "n", axis=[-1], mean=[100, 90, 80], variance=[4, 25, 100])],
            None,
            1 / np.array([2, 5, 10]),
            -np.array([50, 18, 8]),
        ),
        (
            [layer("Normalization", "n", axis=[-1], mean=0.5, variance=0.25)],
            "1",
            2 / 255,
            -1.0,
        ),
    ],
)
def test_what_stands_first_becomes_preprocessing(
    tmp_path: Path, first: list[Any], scale: str | None, factor: Any, offset: Any
) -> None:
    bundle = imported(tmp_path, model_of(layers_of(first=first)), scale=scale).bundle
    assert len(bundle.architecture.layers) == 4
    expected = expected_logits(IMAGES * factor + offset)
    limit = 1e-6 * np.abs(expected).max() + 1e-5
    np.testing.assert_allclose(bundle.logits(IMAGES), expected, atol=limit)


def test_a_uint8_input_says_its_range(tmp_path: Path) -> None:
    layers = layers_of()
    layers[0]["config"]["dtype"] = "uint8"
    bundle = imported(tmp_path, model_of(layers)).bundle
    np.testing.assert_allclose(bundle.logits(IMAGES), expected_logits(IMAGES), rtol=1e-5)


def test_a_resizing_layer_says_the_size(tmp_path: Path) -> None:
    layers = layers_of(first=[layer("Resizing", "resizing", height=6, width=5), RESCALING])
    layers[0]["config"]["batch_shape"] = [None, None, None, 3]
    found = imported(tmp_path, model_of(layers))
    assert found.bundle.input_shape == (6, 5, 3)
    assert "becomes the size of the images" in found.notes[0]


def test_an_open_size_has_to_be_said(tmp_path: Path) -> None:
    layers = layers_of(first=[RESCALING])
    layers[0]["config"]["batch_shape"] = [None, None, None, 3]
    with pytest.raises(ConfigError, match=r"any size.*--image-size 32x32"):
        imported(tmp_path, model_of(layers))
    found = imported(tmp_path, model_of(layers), image_size=(9, 7))
    assert found.bundle.input_shape == (9, 7, 3)


def test_grey_images_without_an_axis_for_their_channel(tmp_path: Path) -> None:
    def content(middle: list[Any]) -> dict[str, Any]:
        return model_of(
            [
                layer("InputLayer", "input", batch_shape=[None, 2, 2]),
                *middle,
                layer("Dense", "dense", units=2),
            ]
        )

    bundle = imported(tmp_path, content([layer("Flatten", "flatten")]), scale="1").bundle
    assert bundle.input_shape == (2, 2, 1)
    images = random_images(3, (2, 2, 1))
    expected = (images / 255).reshape(3, 4) @ DENSE[0] + DENSE[1]
    np.testing.assert_allclose(bundle.logits(images), expected, atol=1e-6)
    reshaped = [layer("Reshape", "reshape", target_shape=[2, 2, 1]), layer("Flatten", "flatten")]
    assert len(imported(tmp_path, content(reshaped), scale="1").bundle.architecture.layers) == 2
    with pytest.raises(ArchitectureError, match="expected images"):
        imported(tmp_path, content([]), scale="1")


@pytest.mark.parametrize("ending", ["inline", "layer", "logit"])
def test_one_sigmoid_becomes_two_logits(tmp_path: Path, ending: str) -> None:
    layers = layers_of(first=[RESCALING], last="sigmoid" if ending == "inline" else "linear")
    layers[-1]["config"]["units"] = 1
    if ending == "layer":
        layers.append(layer("Activation", "activation", activation="sigmoid"))
    loss = {"class_name": "BinaryCrossentropy", "config": {"from_logits": True}}
    more = {"compile_config": {"loss": loss}} if ending == "logit" else {}

    def narrow(file: Any) -> None:
        for number, array in enumerate(DENSE):
            del file[f"layers/dense/vars/{number}"]
            file[f"layers/dense/vars/{number}"] = array[..., :1]

    path = write_archive(tmp_path / "b.keras", model_of(layers, **more), weights_bytes(narrow))
    bundle = import_keras(path, tmp_path / "b.safetensors", classes="no,yes").bundle
    assert bundle.class_names == ("no", "yes")
    found = bundle.logits(IMAGES)
    expected = expected_logits(IMAGES / 255)[:, 0]
    np.testing.assert_array_equal(found[:, 0], 0)
    np.testing.assert_allclose(found[:, 1], expected, atol=1e-5)
    np.testing.assert_allclose(
        bundle.probabilities(found)[:, 1], 1 / (1 + np.exp(-expected)), atol=1e-6
    )


@pytest.mark.parametrize(
    ("activation", "items"),
    [
        ("relu", [{"activation": "relu"}]),
        ({"module": "builtins", "class_name": "function", "config": "gelu"},
         [{"activation": "gelu"}]),
        ("relu6", [{}, {"type": "ReLU", "max_value": 6.0}]),
        ({"module": "keras.layers", "class_name": "LeakyReLU", "config": {"negative_slope": 0.1}},
         [{}, {"type": "LeakyReLU", "negative_slope": 0.1}]),
    ],
)  # fmt: skip
def test_activations(tmp_path: Path, activation: Any, items: list[dict[str, Any]]) -> None:
    found = imported(tmp_path, changed(2, activation=activation)).bundle.architecture.layers
    conv = {"type": "Conv2D", "kernel_size": 3, "padding": "same", "filters": 4}
    inline, *after = items
    assert found[0] == {**conv, **inline}
    assert list(found[1 : 1 + len(after)]) == after


def test_names_that_somebody_chose_are_kept(tmp_path: Path) -> None:
    content = changed(2, name="eyes")
    content["config"]["layers"][3]["config"]["name"] = "forward"  # torch's own
    found = imported(tmp_path, content).bundle.architecture
    assert [step.name for step in found.steps][:2] == ["eyes", "batch_normalization"]


def test_weights_of_another_file_are_taken(tmp_path: Path) -> None:
    path = write_archive(tmp_path / "m.keras", weights=b"nothing")
    write_weights(tmp_path / "m.weights.h5")
    found = import_keras(path, tmp_path / "m", scale="1", weights=tmp_path / "m.weights.h5")
    np.testing.assert_allclose(
        found.bundle.logits(IMAGES), expected_logits(IMAGES / 255), atol=1e-5
    )


def test_keras_2_12_called_the_group_of_layers_otherwise(tmp_path: Path) -> None:
    def rename(file: Any) -> None:
        file.move("layers", "_layer_checkpoint_dependencies")

    path = write_archive(tmp_path / "old.keras", weights=weights_bytes(rename))
    bundle = import_keras(path, tmp_path / "old", scale="1").bundle
    np.testing.assert_allclose(bundle.logits(IMAGES), expected_logits(IMAGES / 255), atol=1e-5)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("cat,dog", ("cat", "dog")),
        (["cat", "dog"], ("cat", "dog")),
        ('["cat", "dog"]', ("cat", "dog")),
        ('{"dog": 1, "cat": 0}', ("cat", "dog")),
        ('{"1": "dog", "0": "cat"}', ("cat", "dog")),
    ],
)
def test_class_names(tmp_path: Path, given: Any, expected: tuple[str, ...]) -> None:
    if isinstance(given, str) and given[0] in "[{":
        (tmp_path / "names.json").write_text(given)
        given = str(tmp_path / "names.json")
    assert imported(tmp_path, classes=given).bundle.class_names == expected


@pytest.mark.parametrize(
    ("given", "kind", "said"),
    [
        ("cat", ConfigError, "1 class names; expected 2"),
        ("cat,", DataError, "class name 1 is empty"),
        ("cat,cat", DataError, "both 'cat'"),
        ("names.json", DataError, "no class names in it"),
        ("absent.json", DataError, "cannot be read"),
    ],
)
def test_class_names_that_cannot_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str, kind: type[Exception], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("names.json").write_text('{"a": 0, "b": 2}')
    with pytest.raises(kind, match=said):
        imported(tmp_path, classes=given)


@pytest.mark.parametrize("out", ["out", "out.safetensors"])
def test_what_is_there_is_replaced_by_force_only(tmp_path: Path, out: str) -> None:
    path = write_archive(tmp_path / "small.keras")
    first = import_keras(path, tmp_path / out, scale="1")
    assert (first.architecture_path is None) == out.endswith(".safetensors")
    with pytest.raises(InputError, match=r"there already.*--force"):
        import_keras(path, tmp_path / out, scale="1")
    again = import_keras(path, tmp_path / out, scale="1", force=True)
    assert json.dumps(again.to_dict()) == json.dumps(first.to_dict())


def test_a_file_in_the_folder_s_place(tmp_path: Path) -> None:
    path = write_archive(tmp_path / "small.keras")
    with pytest.raises(InputError, match=r"expected a folder's name"):
        import_keras(path, path, scale="1")


def test_a_missing_library_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_archive(tmp_path / "small.keras")
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(InputError, match=r"h5py, which is not.*pip install 'cnnlab\[keras\]'"):
        import_keras(path, tmp_path / "out")
