"""Every model that a user can name, and how a name or a path becomes an architecture."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from cnnlab.errors import UnknownNameError
from cnnlab.files import is_file
from cnnlab.models import convnet, fastnet, resnet  # noqa: F401 - importing them registers them
from cnnlab.models.architecture import Architecture
from cnnlab.models.model_file import ModelFile, read_model_file
from cnnlab.registry import Registry

__all__ = ["MODELS", "ZOO", "load_architecture", "load_model_file"]

#: The folder of the model files that come with the package.
ZOO = Path(__file__).parent / "zoo"

#: Every named model; an entry reads its file when it is called.
MODELS: Registry[Callable[[], ModelFile]] = Registry("model")


for _path in sorted(ZOO.glob("*.yaml")):
    MODELS.add(_path.stem, partial(read_model_file, _path, source=_path.stem))


def load_model_file(name_or_path: str | os.PathLike[str]) -> ModelFile:
    """Return a model by its name, or by the path of a YAML file.

    Raises :class:`UnknownNameError` where there is neither.
    """
    text = os.fspath(name_or_path)
    if text in MODELS:
        return MODELS.get(text)()
    path = Path(text)
    if path.suffix.lower() in {".yaml", ".yml"} or is_file(path):
        return read_model_file(path)
    try:
        return MODELS.get(text)()
    except UnknownNameError as error:
        raise UnknownNameError(
            error.what, todo=f"{error.todo} (or give the path of a model's YAML file)"
        ) from None


def load_architecture(
    name_or_path: str | os.PathLike[str],
    *,
    input_shape: tuple[int, int, int] | None = None,
    classes: int | None = None,
    params: Mapping[str, Any] | None = None,
    without: Sequence[str] = (),
) -> Architecture:
    """Return the architecture of a named model or of a user's YAML file.

    ``input_shape`` (height, width, channels) and ``classes`` come from the data; without them the
    model's own defaults hold. ``params`` are a builder's parameters; ``without`` names layers of a
    list, by type or name, that are left out.

    Raises :class:`UnknownNameError` and :class:`ArchitectureError`.
    """
    return load_model_file(name_or_path).architecture(
        input_shape=input_shape, classes=classes, params=params, without=without
    )
