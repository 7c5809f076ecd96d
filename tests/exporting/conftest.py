"""Every registered model exported once a session, and runs with their data."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from drawn_bundles import Case, bundle_of_network, train_small, write_arrays

from cnnlab.exporting import Exported, export
from cnnlab.models import load_architecture
from cnnlab.runs import Run

SHAPE, CLASSES = (16, 16, 3), 5
#: Fewer generated images than users get: the tests have images of their own.
_GENERATED = 64
_PARAMS = {
    "convnet": {"widths": [8, 16], "dense": 16},
    "fastnet": {"widths": [8, 16, 16]},
    "resnet18": {"width": 8},
}
#: Some look at images and their mirror images, as recipes may ask for any network.
_MIRRORED = {"fastnet", "model-c"}


@pytest.fixture(scope="session", autouse=True)
def _quick(operators_read_once: None) -> None:
    """Whatever is exported here."""


@pytest.fixture(scope="session")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Case]:
    """The registered model of a name, small, and its ONNX file."""
    folder = tmp_path_factory.mktemp("zoo")

    @cache
    def made(name: str) -> Case:
        architecture = load_architecture(
            name, input_shape=SHAPE, classes=CLASSES, params=_PARAMS.get(name)
        )
        bundle = bundle_of_network(architecture, folder, mirror=name in _MIRRORED)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("cnnlab.exporting.images._GENERATED", _GENERATED)
            return Case(bundle, export(bundle.source, folder / f"{name}.onnx"))

    return made


@pytest.fixture(scope="session")
def forms(
    tiny_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], tuple[Run, Exported]]:
    """A run on grey 28x28, colour 32x32 or wide 12x20 images, and its ONNX file."""
    folder = tmp_path_factory.mktemp("forms")
    shapes = {"grey": (28, 28, 1), "colour": (32, 32, 3), "wide": (12, 20, 3)}

    @cache
    def made(form: str) -> tuple[Run, Exported]:
        data = write_arrays(shapes[form], folder / f"{form}.npz")
        run = train_small(data, tiny_model, folder / "runs", name=form)
        return run, export(run.path, folder / f"{form}.onnx")

    return made
