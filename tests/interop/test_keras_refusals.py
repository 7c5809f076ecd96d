"""Models that cannot be said in cnnlab's layers, and what is said of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_keras_files import (
    IMAGES,
    RESCALING,
    changed,
    expected_logits,
    imported,
    layer,
    layers_of,
    model_of,
    write_archive,
)

from cnnlab.errors import ArchitectureError, InputError
from cnnlab.interop.keras import import_keras


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (changed(2, data_format="channels_first"), "'conv2d' (Conv2D): data_format is 'channels"),
        (changed(2, activation="hard_sigmoid"), "its activation is 'hard_sigmoid'; expected one"),
        (changed(2, activation={"module": "mine", "class_name": "f"}), "own class"),
        (changed(2, kernel_size=[3]), "kernel_size is [3]; expected a whole number"),
        (changed(2, filters=None), "filters is None"),
        (changed(2, frequency=3), "frequency is 3, which cannot be said here"),
        (changed(2, dtype={"class_name": "QuantizedDTypePolicy", "config": {"mode": "int8"}}),
         "its dtype is"),
        (changed(3, axis=1), "'batch_normalization' (BatchNormalization): axis is 1"),
        (changed(3, renorm=True), "renorm is True"),
        (changed(5, activation="sigmoid"), "several at once"),
        (changed(5, units=1, activation="linear"), "nothing says that it is a logit"),
        (changed(0, batch_shape=[None, 784]), "expected images"),
        (changed(0, batch_shape=[None, 6, 5, 2]), "with 1, 3 or 4 channels"),
        (changed(1, scale=[1, 2]), "scale is [1, 2]; expected a number, or 3"),
        (changed(1, scale=0), "leaves nothing of them"),
        (model_of(layers_of()), "--scale 1"),
        (model_of(layers_of(first=[layer("CenterCrop", "c", height=2, width=2)])), "cuts images"),
        (model_of([]), "the model has no layers"),
        (model_of(layers_of(first=[RESCALING])[:2]), "no layer of it has weights"),
        ({"class_name": "Subclassed", "config": {}}, "it holds a 'Subclassed'; expected a Seq"),
        ([], "reads []"),
    ],
)  # fmt: skip
def test_what_cannot_be_said_here_is_one_line(tmp_path: Path, content: Any, said: str) -> None:
    path = write_archive(tmp_path / "small.keras", content)
    with pytest.raises(InputError) as caught:
        import_keras(path, tmp_path / "out")
    assert said in str(caught.value)
    assert str(caught.value).startswith(str(path))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("odd", "said"),
    [
        (layer("Lambda", "tricks", function={"class_name": "__lambda__", "config": {}}),
         "layer 2 of 6 'tricks' (Lambda): it is Python code, which is never run here"),
        ({"module": "mine", "class_name": "Dense", "config": {"name": "own"}},
         "layer 2 of 6 'own': 'Dense' is somebody's own class"),
        ({**layer("Dense", "own"), "registered_name": "mine>Dense"}, "'mine>Dense' is somebody's"),
        (layer("LSTM", "lstm", units=4), "(LSTM): a layer of type LSTM cannot be said"),
        (17, "reads 17"),
    ],
)  # fmt: skip
def test_a_layer_that_there_is_not_is_named(tmp_path: Path, odd: Any, said: str) -> None:
    path = write_archive(tmp_path / "small.keras", model_of(layers_of(first=[odd])))
    with pytest.raises(ArchitectureError) as caught:
        import_keras(path, tmp_path / "out", scale="1")
    assert said in str(caught.value)


def _functional(feeds: dict[str, list[str]], **config: Any) -> dict[str, Any]:
    """A Functional model of the small network's layers, each fed as said."""
    entries = []
    for entry in layers_of(first=[RESCALING]):
        name = entry["config"]["name"]
        tensors = [
            {"class_name": "__keras_tensor__", "config": {"keras_history": [source, 0, 0]}}
            for source in feeds[name]
        ]
        calls = [{"args": tensors, "kwargs": config.get(name, {})}] if tensors else []
        entries.append({**entry, "name": name, "inbound_nodes": calls})
    inner = {
        "name": "f",
        "layers": entries[::-1],
        "input_layers": [["input", 0, 0]],
        "output_layers": config.get("output", [["dense", 0, 0]]),
    }
    return {**model_of([]), "class_name": "Functional", "config": inner}


NAMES = [entry["config"]["name"] for entry in layers_of(first=[RESCALING])]
CHAIN = {name: NAMES[number : number + 1] for number, name in enumerate(NAMES[1:])} | {"input": []}


def test_a_functional_model_that_is_a_chain(tmp_path: Path) -> None:
    bundle = imported(tmp_path, _functional(CHAIN)).bundle
    np.testing.assert_allclose(bundle.logits(IMAGES), expected_logits(IMAGES / 255), atol=1e-5)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (_functional({**CHAIN, "dense": ["global_average_pooling2d", "conv2d"]}), "no chain"),
        (_functional({**CHAIN, "dense": ["conv2d"]}), "no chain"),
        (_functional({**CHAIN, "dense": ["absent"]}), "no chain"),
        (_functional({**CHAIN, "dense": []}), "no chain"),
        (_functional({**CHAIN, "conv2d": ["dense"]}), "no chain"),
        (_functional(CHAIN, output=[["conv2d", 0, 0], ["dense", 0, 0]]), "no chain"),
        (_functional(CHAIN, conv2d={"training": True}), "called with training=True"),
    ],
)
def test_a_functional_model_that_branches_is_refused(
    tmp_path: Path, content: Any, said: str
) -> None:
    with pytest.raises(ArchitectureError, match=said):
        imported(tmp_path, content)
