"""What an exported Keras file holds, and which are not kept."""

from __future__ import annotations

import json
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from shaken_bundles import shaken
from small_bundles import bundle_of_architecture, bundle_of_layers

from cnnlab.bundle import Bundle
from cnnlab.errors import CheckFailed, ConfigError, InputError
from cnnlab.exporting import certificate_path, export
from cnnlab.models import load_architecture


@pytest.fixture
def small(tmp_path: Path) -> Bundle:
    layers = [
        {"type": "Conv2D", "filters": 4, "kernel_size": 3, "kernel_initializer": "fan_in_uniform"},
        {"type": "Flatten", "name": "preprocessing"},
        {"type": "Dense", "units": "classes", "kernel_initializer": "dirac"},
    ]
    return shaken(bundle_of_layers(layers), tmp_path / "small.safetensors")


def test_the_file_says_what_using_it_needs(small: Bundle, tmp_path: Path) -> None:
    exported = export(small.source, tmp_path / "m.keras", format="keras")
    with zipfile.ZipFile(exported.path) as archive:
        known = json.loads(archive.read("metadata.json"))
    assert known["cnnlab"]["class_names"] == list(small.class_names)
    assert known["cnnlab"]["preprocessing"]["mean"] == list(small.preprocessing.mean)
    beside = json.loads(certificate_path(exported.path).read_text())
    assert beside["format"] == "keras"
    assert beside["parity"]["holds"] is True
    assert {"cnnlab", "torch", "keras", "h5py"} == set(beside["versions"])
    assert "no other class, in batches of 7, 256" in exported.to_text()
    again = export(small.source, tmp_path / "again.keras", format="keras")
    assert again.sha256 == exported.sha256, "the same bundle gives the same bytes"


@pytest.mark.usefixtures("keras")
def test_a_file_that_says_something_else_is_not_kept(
    small: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = sys.modules["cnnlab.exporting.keras_file"]
    true_answers = module.keras_answers

    def tampered(*arguments: Any) -> list[np.ndarray]:
        return [answer + 2e-4 for answer in true_answers(*arguments)]

    monkeypatch.setattr(module, "keras_answers", tampered)
    with pytest.raises(CheckFailed, match="does not say what the network says") as caught:
        export(small.source, tmp_path / "m.keras", format="keras")
    assert caught.value.exit_code == 1
    assert [path.name for path in tmp_path.iterdir()] == ["small.safetensors"]


def test_what_a_list_of_layers_cannot_say(small: Bundle, tmp_path: Path) -> None:
    mirrored = replace(small, preprocessing=replace(small.preprocessing, mirror=True))
    mirrored.save(tmp_path / "mirrored.safetensors")
    built = load_architecture("resnet18", input_shape=(8, 8, 3), classes=2, params={"width": 4})
    bundle_of_architecture(built).save(tmp_path / "built.safetensors")
    for name, said in [("mirrored", "its mirror image"), ("built", "resnet18 is made by a")]:
        with pytest.raises(InputError, match=f"{said}.*--format onnx"):
            export(tmp_path / f"{name}.safetensors", tmp_path / "m.keras", format="keras")
    with pytest.raises(ConfigError, match=r"does not end in \.keras"):
        export(small.source, tmp_path / "m.zip", format="keras")
    assert not list(tmp_path.glob("m.*"))


def test_without_keras_it_is_said_what_to_install(
    small: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "keras", None)
    with pytest.raises(InputError, match=r"keras, which is not.*pip install 'cnnlab\[keras\]'"):
        export(small.source, tmp_path / "m.keras", format="keras")
