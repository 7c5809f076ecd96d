"""Architectures from mappings and YAML: shapes, names, errors, round trips."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from cnnlab.errors import ArchitectureError, CnnlabError, ConfigError, UnknownNameError
from cnnlab.models import Architecture, load_architecture, load_model_file, provenance_of
from cnnlab.settings import dump_yaml, load_yaml

HEAD = "input_shape: [8, 8, 3]\n"
TAIL = "  - {type: Flatten}\n  - {type: Dense, units: classes}\n"


def _file(folder: Path, text: str) -> Path:
    path = folder / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def _message(folder: Path, text: str, **data: object) -> str:
    with pytest.raises(CnnlabError) as caught:
        load_architecture(_file(folder, text), **data)
    assert isinstance(caught.value, ArchitectureError | ConfigError)
    message = str(caught.value)
    assert "mine.yaml" in message
    assert "\n" not in message
    return message


def test_own_file_takes_shape_and_classes_from_the_data(tmp_path: Path) -> None:
    text = f"classes: 10\n{HEAD}layers:\n  - {{type: Conv2D, filters: 4, kernel_size: 3}}\n{TAIL}"
    path = _file(tmp_path, text)
    own, given = load_architecture(path), load_architecture(path, input_shape=(6, 7, 1), classes=3)
    assert (own.name, own.input_shape, own.classes) == ("mine", (8, 8, 3), 10)
    assert [step.output_shape for step in given.steps] == [(4, 5, 4), (80,), (3,)]
    assert given.build()(torch.zeros(2, 1, 6, 7)).shape == (2, 3)


def test_classes_are_what_the_last_layer_gives_where_nothing_says_it(tmp_path: Path) -> None:
    text = HEAD + "layers: [{type: Flatten}, {type: Dense, units: 4}, {type: Dropout, rate: 0.1}]"
    assert load_architecture(_file(tmp_path, text)).classes == 4


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        (
            "  - {type: MaxPooling2D, pool_size: 4}\n"
            "  - {type: Conv2D, filters: 4, kernel_size: 5, name: deep}\n" + TAIL,
            "layer 2 of 4 'deep' (Conv2D): kernel 5x5 is larger than its input 2x2x3 with padding "
            "valid",
        ),
        (
            "  - {type: MaxPooling2D, pool_size: 9}\n" + TAIL,
            "'max_pooling2d' (MaxPooling2D): pool_size 9x9 is larger than its input 8x8x3",
        ),
        (
            "  - {type: Flatten}\n  - {type: Conv2D, filters: 4, kernel_size: 1}\n" + TAIL,
            "layer 2 of 4 'conv2d' (Conv2D): its input is 192; expected height x width x channels",
        ),
        ("  - {type: Conv2d, filters: 4, kernel_size: 1}\n" + TAIL, "did you mean 'Conv2D'?"),
        ("  - {type: MaxPool2D}\n" + TAIL, "did you mean 'MaxPooling2D'?"),
        (
            "  - {type: Conv2D, filter: 4, kernel_size: 1}\n" + TAIL,
            "layer 1 of 3 (Conv2D): Conv2D has no argument 'filter'; did you mean 'filters'?",
        ),
        ("  - {type: Conv2D, filters: 4}\n" + TAIL, "Conv2D needs the argument 'kernel_size'"),
        (
            "  - {type: Conv2D, filters: 0, kernel_size: 1}\n" + TAIL,
            "filters is 0; expected a whole number from 1 to 65536",
        ),
        (
            "  - {type: Conv2D, filters: true, kernel_size: 1}\n" + TAIL,
            "filters is True; expected a whole number",
        ),
        (
            "  - {type: Conv2D, filters: '8', kernel_size: 1}\n" + TAIL,
            "filters is '8'; expected a whole number from 1 to 65536, or the word classes",
        ),
        (
            "  - {type: Conv2D, filters: 8, kernel_size: [3, 3, 3]}\n" + TAIL,
            "kernel_size is [3, 3, 3]; expected a whole number from 1 to 4096, or a list of two",
        ),
        (
            "  - {type: Conv2D, filters: 8, kernel_size: 3, padding: full}\n" + TAIL,
            "padding is 'full'; expected one of valid, same",
        ),
        (
            "  - {type: Conv2D, filters: 8, kernel_size: 3, activation: relux}\n" + TAIL,
            "(did you mean 'relu'?)",
        ),
        (
            "  - {type: Conv2D, filters: 8, kernel_size: 3, groups: 2}\n" + TAIL,
            "2 groups do not divide the 3 channels of its input",
        ),
        (
            "  - {type: Conv2D, filters: 8, kernel_size: 3, strides: 2, dilation_rate: 2}\n" + TAIL,
            "strides and dilation_rate are both above 1",
        ),
        ("  - {type: Dropout, rate: 1.0}\n" + TAIL, "rate is 1.0; expected a number from 0 and"),
        ("  - {type: Dropout, rate: .nan}\n" + TAIL, "rate is nan; expected a number from 0 and"),
        ("  - {type: Rescaling, scale: 1" + 400 * "0" + "}\n" + TAIL, "; expected a finite number"),
        ("  - {type: Rescaling, scale: .inf}\n" + TAIL, "scale is inf; expected a finite number"),
        (
            "  - {type: BatchNormalization, epsilon: 0}\n" + TAIL,
            "epsilon is 0; expected a number above 0 and below 1",
        ),
        ("  - {type: ZeroPadding2D, padding: -1}\n" + TAIL, "padding is -1; expected"),
        ("  - {type: Flatten, name: 7}\n" + TAIL, "a layer's name is 7; expected a letter"),
        ("  - {type: Flatten, name: [a]}\n" + TAIL, "a layer's name is ['a']; expected a letter"),
        ("  - {type: Flatten, name: a.b}\n" + TAIL, "a layer's name is 'a.b'; expected a letter"),
        (
            "  - {type: ReLU, name: one}\n  - {type: ReLU, name: one}\n" + TAIL,
            "2 layers are called 'one'",
        ),
        ("  - Conv2D\n" + TAIL, "layer 1 of 3: reads 'Conv2D'; expected a mapping"),
        ("  - {filters: 3}\n" + TAIL, "layer 1 of 3: reads {'filters': 3}; expected a mapping"),
        ("  - {type: Flatten}\n", "gives 192 logits, but there are 10 classes"),
        (
            "  - {type: Conv2D, filters: 10, kernel_size: 1}\n",
            "the network ends with a map of 8x8x10; expected 10 logits",
        ),
        (
            "  - {type: Flatten}\n  - {type: Dense, units: classes, activation: softmax}\n",
            "'dense' (Dense): the output must be logits",
        ),
        (TAIL + "  - {type: Activation, activation: softmax}\n", "'activation' (Activation): the"),
        (
            "  - {type: Flatten}\n  - {type: Dense, units: 1000000}\n" * 2,
            "parameters",
        ),
        (
            "  - {type: ZeroPadding2D, padding: 4000}\n"
            "  - {type: Conv2D, filters: 60000, kernel_size: 1}\n" + TAIL,
            "expected at most 1,073,741,824 parameters and 268,435,456 values",
        ),
    ],
)
def test_layer_errors(tmp_path: Path, layers: str, expected: str) -> None:
    message = _message(tmp_path, f"classes: 10\n{HEAD}layers:\n{layers}")
    assert expected in message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (HEAD + "classes: 10\n", "either layers: [...] or builder: NAME"),
        (HEAD + "classes: 10\nlayers: []\n", "layers is empty; expected one mapping"),
        (HEAD + "classes: 10\nlayers: {a: 1}\n", "layers is {'a': 1}; expected a list"),
        (HEAD + "layer: []\n", "unknown key 'layer'; did you mean 'layers'?"),
        (HEAD + "classes: 1\nlayers:\n" + TAIL, "classes is 1; expected a whole number from 2"),
        (HEAD + "training: fast\nlayers:\n" + TAIL, "training is 'fast'; expected a mapping"),
        (HEAD + "name: [a]\nlayers:\n" + TAIL, "name is ['a']; expected text"),
        (HEAD + "layers:\n" + TAIL, "the number of classes is not known"),
        ("classes: 2\nlayers:\n" + TAIL, "the size of the images is not known"),
        ("input_shape: [8, 8]\nlayers:\n" + TAIL, "input_shape is [8, 8]; expected [height, width"),
        ("input_shape: [0, 8, 3]\nlayers:\n" + TAIL, "expected [height, width, channels], each"),
        ("- a\n- b\n", "expected a mapping"),
        ("layers:\n\t- {type: Flatten}\n", "line 2"),
        ("classes: 3\nclasses: 4\n", "stands twice"),
        ("builder: resnet\n", "the size of the images is not known"),
    ],
)
def test_file_errors(tmp_path: Path, text: str, expected: str) -> None:
    assert expected in _message(tmp_path, text)


def test_outputs_that_do_not_fit_the_data(tmp_path: Path) -> None:
    text = HEAD + "layers:\n  - {type: Flatten}\n  - {type: Dense, units: 10}\n"
    message = _message(tmp_path, text, classes=7)
    assert "gives 10 logits, but there are 7 classes; write 'units: classes'" in message


def test_unknown_names_and_missing_files(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'model-f'"):
        load_architecture("model-ff")
    with pytest.raises(UnknownNameError, match="path of a model's YAML file"):
        load_architecture("what")
    with pytest.raises(ConfigError, match="no such file"):
        load_architecture(tmp_path / "none.yaml")


@pytest.mark.parametrize("name", ["forward", "training", "add_module"])
def test_a_layer_cannot_take_a_name_that_torch_needs(tmp_path: Path, name: str) -> None:
    text = f"{HEAD}classes: 2\nlayers:\n  - {{type: ReLU, name: {name}}}\n{TAIL}"
    with pytest.raises(ArchitectureError, match=f"cannot be called '{name}'"):
        load_architecture(_file(tmp_path, text)).build()


def test_automatic_names_give_way_to_own_names(tmp_path: Path) -> None:
    text = (
        HEAD + "classes: 2\nlayers:\n  - {type: ReLU}\n  - {type: ReLU, name: re_lu}\n"
        "  - {type: ReLU}\n" + TAIL
    )
    names = [step.name for step in load_architecture(_file(tmp_path, text)).steps]
    assert names[:3] == ["re_lu_1", "re_lu", "re_lu_2"]


def test_layers_take_no_params() -> None:
    with pytest.raises(ArchitectureError, match="takes no params"):
        load_architecture("model-a", params={"width": 3})


def test_round_trip_through_yaml_is_exact(tmp_path: Path) -> None:
    first = load_architecture("model-f", input_shape=(28, 28, 1), classes=7)
    path = tmp_path / "architecture.yaml"
    path.write_text(dump_yaml(first.to_dict()), encoding="utf-8")
    again = Architecture.from_dict(load_yaml(path), source=str(path))
    assert again == first
    assert again.to_dict() == first.to_dict()
    assert again.summary() == first.summary()
    # The file is also a model file, for other data.
    assert load_architecture(path, classes=3).classes == 3


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"layer": []}, "unknown key 'layer'; did you mean 'layers'"),
        ({"classes": "x"}, "classes is 'x'"),
        ({"builder": "resnet18"}, "layers, or a builder"),
        ({"params": {"a": 1}}, "only a builder takes params"),
        ({"layers": 5}, "layers is 5; expected a list"),
        ({"layers": []}, "layers, or a builder"),
        ({"name": 5}, "name is 5; expected text"),
        ({"params": 5}, "params is 5; expected a mapping"),
        ({"input_shape": {"a": 1}}, "input_shape is .*; expected"),
    ],
)
def test_from_dict_names_what_is_wrong(change: dict[str, object], expected: str) -> None:
    content = load_architecture("model-a").to_dict()
    with pytest.raises(ArchitectureError, match=expected):
        Architecture.from_dict({**content, **change}, source="run/architecture.yaml")


def test_from_dict_misses_a_key() -> None:
    with pytest.raises(ArchitectureError, match=r"run.yaml: the key 'classes' is missing"):
        Architecture.from_dict({"name": "a", "input_shape": [8, 8, 3]}, source="run.yaml")


def test_changing_what_was_given_changes_nothing() -> None:
    layers = ({"type": "Flatten"}, {"type": "Dense", "units": "classes"})
    architecture = Architecture("mine", (4, 4, 1), 3, layers)
    layers[1]["units"] = 5
    architecture.to_dict()["layers"][1]["units"] = 6
    assert architecture.layers[1]["units"] == "classes"


def test_many_layers_together_can_be_too_much() -> None:
    wide = {"type": "Dense", "units": 30_000}
    layers = ({"type": "Flatten"}, wide, wide, {"type": "Dense", "units": 2})
    with pytest.raises(ArchitectureError, match=r"large: 1,.* parameters and .*; expected at most"):
        Architecture("large", (160, 160, 1), 2, layers)


def test_provenance_has_known_marks(tmp_path: Path) -> None:
    text = f"{HEAD}classes: 2\nlayers:\n{TAIL}provenance: {{'layers.*': {{mark: sure, why: x}}}}\n"
    with pytest.raises(ArchitectureError, match=r"provenance of 'layers.\*' is .*; expected"):
        provenance_of(_file(tmp_path, text))


def test_model_file_tells_how_to_train() -> None:
    model = load_model_file("model-b")
    assert model.training["batch_size"] == 1
    assert model.optimizer == {"name": "adam", "lr": 1e-4}
    assert model.normalization == "unit"
    assert model.description
