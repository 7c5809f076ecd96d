"""A bundle -> a ``.keras`` file that Keras itself writes, and its answers to images.

The file takes uint8 images: the preprocessing is its first layer. It gives logits.
"""

from __future__ import annotations

import dataclasses
import json
import re
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cnnlab.errors import InputError
from cnnlab.interop.keras.installed import load_keras, quiet
from cnnlab.interop.keras.rules import RULES
from cnnlab.interop.keras.variables import variables_of

if TYPE_CHECKING:
    from cnnlab.bundle import Bundle
    from cnnlab.inference import Preprocessing
    from cnnlab.models.plan import Step

__all__ = ["check_writable", "keras_answers", "write_keras"]

_METADATA = "metadata.json"
#: A zip has to say when its members were written; the same bundle gives the same bytes.
_NO_DATE = (1980, 1, 1, 0, 0, 0)


def check_writable(bundle: Bundle) -> None:
    """Raise :class:`InputError` for a bundle that a list of Keras's layers cannot say."""
    architecture = bundle.architecture
    if architecture.builder is not None:
        raise InputError(
            f"{architecture.builder} is made by a builder and is no list of layers, which a Keras "
            "file of cnnlab's is",
            where=bundle.source,
            todo="export it with --format onnx",
        )
    if bundle.preprocessing.mirror:
        raise InputError(
            "it looks at every image and its mirror image, which a list of layers cannot",
            where=bundle.source,
            todo="export it with --format onnx",
        )


def write_keras(bundle: Bundle, path: Path, facts: Mapping[str, Any]) -> None:
    """Let Keras write the bundle as ``path``, which has to end in ``.keras``.

    ``facts`` go into the file's metadata, which Keras does not read, under "cnnlab".

    Raises :class:`InputError` where Keras is missing, and what :func:`check_writable` does.
    """
    check_writable(bundle)
    keras = load_keras()
    with quiet(), keras.device("cpu"), TemporaryDirectory() as folder:
        model = _model_of(keras, bundle)
        saved = Path(folder) / "saved.keras"
        model.save(saved)
        _copy_with_facts(saved, path, keras.__version__, facts)


def keras_answers(path: Path, batches: Iterable[NDArray[np.uint8]]) -> list[NDArray[np.float32]]:
    """Read a ``.keras`` file as its users will, and give its answers to each batch of images."""
    keras = load_keras()
    with quiet(), keras.device("cpu"):
        model = keras.saving.load_model(path, compile=False)
        model.trainable = False  # no graph of gradients
        answers = (model(images, training=False) for images in batches)
        return [np.asarray(keras.ops.convert_to_numpy(one), np.float32) for one in answers]


def _model_of(keras: ModuleType, bundle: Bundle) -> Any:
    """A Keras ``Sequential``: uint8 ``[N, H, W, C]`` in, logits ``[N, classes]`` out."""
    steps = bundle.architecture.steps
    layers = [_layer(keras, step) for step in steps]
    taken = {step.name for step in steps}
    model = keras.Sequential(
        [
            keras.Input(bundle.input_shape, dtype="uint8", name=_free("images", taken)),
            _rescaling(keras, bundle.preprocessing, _free("preprocessing", taken)),
            *layers,
        ],
        name=re.sub(r"[^A-Za-z0-9_.-]", "_", bundle.name) or "model",
    )
    state = bundle.network.state_dict()
    for layer, step in zip(layers, steps, strict=True):
        variables = variables_of(step)
        if variables:
            values = (state[f"{step.name}.{variable.name}"] for variable in variables)
            arrays = [value.detach().cpu().numpy() for value in values]
            layer.set_weights(
                [v.to_keras(array) for v, array in zip(variables, arrays, strict=True)]
            )
    return model


def _free(name: str, taken: set[str]) -> str:
    return name if name not in taken else _free(f"{name}_", taken)


def _layer(keras: ModuleType, step: Step) -> Any:
    """The Keras layer of the same name and arguments, whatever this Keras's own defaults are."""
    fields = dataclasses.fields(step.layer)
    arguments = {field.name: getattr(step.layer, field.name) for field in fields}
    if "kernel_initializer" in arguments:
        arguments["kernel_initializer"] = _initializer(keras, arguments["kernel_initializer"])
    if "data_format" in RULES[step.type].only:
        arguments["data_format"] = "channels_last"
    return getattr(keras.layers, step.type)(**arguments, name=step.name, dtype="float32")


def _initializer(keras: ModuleType, name: str) -> Any:
    """Keras's initializer; of our own two, the one that is the same and the one that is usual."""
    if name == "fan_in_uniform":  # ±1/√fan_in
        return keras.initializers.VarianceScaling(1 / 3, mode="fan_in", distribution="uniform")
    return "glorot_uniform" if name == "dirac" else name


def _rescaling(keras: ModuleType, preprocessing: Preprocessing, name: str) -> Any:
    """Our preprocessing as a layer: a number for all channels where they are the same."""
    scale, offset = (values.tolist() for values in preprocessing.affine())
    if len(set(scale)) == len(set(offset)) == 1:
        scale, offset = scale[0], offset[0]
    return keras.layers.Rescaling(scale, offset, name=name, dtype="float32")


def _copy_with_facts(saved: Path, path: Path, version: str, facts: Mapping[str, Any]) -> None:
    """The same archive, but with more in its metadata and without dates."""
    metadata = {"keras_version": version, "cnnlab": facts}
    with zipfile.ZipFile(saved) as old, zipfile.ZipFile(path, "w") as new:
        for info in old.infolist():
            content = old.read(info)
            if info.filename == _METADATA:
                content = json.dumps(metadata).encode()
            new.writestr(zipfile.ZipInfo(info.filename, _NO_DATE), content)
