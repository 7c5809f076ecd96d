"""Model files: a network as YAML, with the way it is meant to be trained and where that is from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cnnlab.errors import ArchitectureError
from cnnlab.models.architecture import (
    Architecture,
    check_classes,
    check_content,
    check_input_shape,
)
from cnnlab.registry import suggestion
from cnnlab.settings import load_yaml

__all__ = ["ModelFile", "read_model_file"]

_KEYS = (
    "name",
    "description",
    "input_shape",
    "classes",
    "layers",
    "builder",
    "params",
    "training",
    "optimizer",
    "schedule",
    "normalization",
    "provenance",
)


@dataclass(frozen=True)
class ModelFile:
    """A model as its file says it; the data decides about ``input_shape`` and ``classes``.

    Attributes
    ----------
    name, description: what people read.
    input_shape, classes: what a summary takes where there is no data; ``None`` if not said.
    layers: one mapping a layer; or ``builder`` and ``params``.
    training, optimizer, schedule, normalization: settings to train this model with, unchecked here.
    provenance: glob patterns over dotted paths, each with ``mark`` and ``why``.
    source: the file or name that errors show.
    """

    name: str
    description: str = ""
    input_shape: tuple[int, int, int] | None = None
    classes: int | None = None
    layers: tuple[Any, ...] = ()
    builder: str | None = None
    params: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    optimizer: dict[str, Any] = field(default_factory=dict)
    schedule: dict[str, Any] = field(default_factory=dict)
    normalization: str | None = None
    provenance: dict[str, Any] = field(default_factory=dict)
    source: str = ""

    def settings(self) -> dict[str, Any]:
        """What the file says of training this model, in the form of a run's configuration."""
        said = {
            "training": self.training,
            "optimizer": self.optimizer,
            "schedule": self.schedule,
            "normalization": self.normalization,
        }
        return {key: value for key, value in said.items() if value}

    def architecture(
        self,
        *,
        input_shape: tuple[int, int, int] | None = None,
        classes: int | None = None,
        params: Mapping[str, Any] | None = None,
        without: Sequence[str] = (),
    ) -> Architecture:
        """Return the architecture for such images and classes, the file's own where not given.

        ``without``: types or names of layers in the list that are left out.
        """
        shape = input_shape or self.input_shape
        if shape is None:
            raise ArchitectureError(
                "the size of the images is not known",
                where=self.source,
                todo="write input_shape: [32, 32, 3] into the file",
            )
        if params and self.builder is None:
            raise ArchitectureError(
                f"{self.name} is a list of layers and takes no params",
                where=self.source,
                todo="change the layers in a copy of the file",
            )
        return Architecture(
            name=self.name,
            input_shape=shape,
            classes=self._classes() if classes is None else classes,
            layers=self._layers(without),
            builder=self.builder,
            params={**self.params, **(params or {})},
            source=self.source,
        )

    def _layers(self, without: Sequence[str]) -> tuple[Any, ...]:
        """The list without the layers of some types or names; each has to be there."""
        if without and self.builder is not None:
            raise ArchitectureError(
                f"{self.name} is made by a builder, so there is no list to leave layers out of",
                where=self.source,
                todo="set the builder's parameters: model.params",
            )
        labels = [_labels(item) for item in self.layers]
        for one in without:
            if not any(one in label for label in labels):
                known = sorted({one for label in labels for one in label})
                raise ArchitectureError(
                    f"no layer of type or name '{one}' to leave out",
                    where=self.source,
                    todo=suggestion(one, known),
                )
        return tuple(
            item
            for item, label in zip(self.layers, labels, strict=True)
            if not label & set(without)
        )

    def _classes(self) -> int:
        """The number of classes where no data says it: the file's, or what its last layer gives."""
        if self.classes is not None:
            return self.classes
        for item in reversed(self.layers):
            count = isinstance(item, Mapping) and item.get("units", item.get("filters"))
            if isinstance(count, int) and not isinstance(count, bool):
                return count
            if count:
                break
        raise ArchitectureError(
            "the number of classes is not known",
            where=self.source,
            todo="write classes: 10 into the file",
        )


def _labels(item: Any) -> set[str]:
    """A layer's type and, if it has one, its name."""
    if not isinstance(item, Mapping):
        return set()
    return {item[key] for key in ("type", "name") if isinstance(item.get(key), str)}


def read_model_file(path: Path, *, source: str | None = None) -> ModelFile:
    """Read a model file; ``source`` stands for it in errors (its path where not given).

    Raises :class:`ConfigError` for broken YAML and :class:`ArchitectureError` for what it says.
    """
    where = source or str(path)
    content = load_yaml(path)
    check_content(content, _KEYS, where=where)
    if ("layers" in content) == ("builder" in content):
        raise ArchitectureError(
            "it has to say what the network is",
            where=where,
            expected="either layers: [...] or builder: NAME",
        )
    layers = content.get("layers")
    if layers == []:
        raise ArchitectureError("layers is empty", where=where, expected="one mapping a layer")
    head = {"name": path.stem, **content, "layers": tuple(layers or ()), "source": where}
    if "input_shape" in content:
        head["input_shape"] = check_input_shape(content["input_shape"], where=where)
    if "classes" in content:
        check_classes(content["classes"], where=where)
    return ModelFile(**head)
