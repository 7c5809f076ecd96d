"""What a layer of the vocabulary is, and how one is read from a mapping.

A layer here is a description: it knows its output shape, its parameters and its cost without torch,
so that a summary is instant; ``build`` makes the torch module.
"""

from __future__ import annotations

import dataclasses
import difflib
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

from cnnlab.errors import ArchitectureError
from cnnlab.models.layers.arguments import shown
from cnnlab.registry import Registry, suggestion

if TYPE_CHECKING:
    from torch import nn

__all__ = ["LAYERS", "Layer", "Shape", "Window", "image_shape", "parse_layer", "shape_text"]

#: The shape of one image's data, channels last and without the batch: (H, W, C) or (features,).
Shape = tuple[int, ...]


class Window(NamedTuple):
    """A window that slides over a map: how far it reaches and steps, (rows, columns)."""

    reach: tuple[int, int]
    strides: tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One layer as written; its fields are Keras's arguments, each with a check.

    A method that is given an input shape that the layer cannot take raises
    :class:`ArchitectureError`; whoever knows the layer's place adds it.
    """

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            try:
                checked = field.metadata["check"](value)
            except ValueError as error:
                raise ArchitectureError(
                    f"{field.name} is {shown(value)}", expected=str(error)
                ) from None
            object.__setattr__(self, field.name, checked)

    def infer(self, shape: Shape, /) -> Shape:
        """Return the output shape."""
        return shape

    def trainable_params(self, _shape: Shape, /) -> int:
        """Count the parameters that training changes."""
        return 0

    def non_trainable_params(self, _shape: Shape, /) -> int:
        """Count those that it does not: moving statistics and frozen weights."""
        return 0

    def flops(self, _shape: Shape, /) -> int:
        """Forward for one image: twice the multiply-adds of convolutions and dense layers."""
        return 0

    def activation_values(self, shape: Shape, /) -> int:
        """Count the numbers that a forward pass makes for one image."""
        return prod(self.infer(shape))

    def windows(self) -> tuple[Window, ...]:
        """The windows that slide over its map, one after the other; none: it looks at one pixel."""
        return ()

    @abstractmethod
    def build(self, shape: Shape, /) -> nn.Module:
        """Make the torch module for an input of ``shape``; its weights are not drawn yet."""


#: The vocabulary, by Keras's class names.
LAYERS: Registry[type[Layer]] = Registry("layer")


def shape_text(shape: Shape) -> str:
    """(32, 32, 64) as "32x32x64"."""
    return "x".join(str(size) for size in shape)


def image_shape(shape: Shape) -> tuple[int, int, int]:
    """Return ``shape`` as (H, W, C), or say that the layer needs a map."""
    if len(shape) != 3:
        raise ArchitectureError(
            f"its input is {shape_text(shape)}",
            expected="height x width x channels",
            todo="put it before Flatten and global pooling",
        )
    height, width, channels = shape
    return height, width, channels


def parse_layer(item: object, *, classes: int) -> tuple[str | None, Layer]:
    """Read ``{type: Conv2D, filters: 64, ...}`` and return its name (if it has one) and layer.

    ``units: classes`` and ``filters: classes`` stand for the number of classes.
    """
    if not isinstance(item, Mapping) or not isinstance(item.get("type"), str):
        raise ArchitectureError(
            f"reads {shown(item)}", expected="a mapping such as {type: Conv2D, filters: 64, ...}"
        )
    arguments: dict[str, Any] = {key: value for key, value in item.items() if key != "type"}
    name = arguments.pop("name", None)
    kind = _layer_type(item["type"])
    fields = {field.name: field for field in dataclasses.fields(kind)}
    for key in arguments:
        if key not in fields:
            raise ArchitectureError(
                f"{kind.__name__} has no argument '{key}'", todo=suggestion(str(key), list(fields))
            )
    for key, field in fields.items():
        if field.default is dataclasses.MISSING and key not in arguments:
            raise ArchitectureError(f"{kind.__name__} needs the argument '{key}'")
    for key in ("units", "filters"):
        if arguments.get(key) == "classes":
            arguments[key] = classes
    return name, kind(**arguments)


def _layer_type(name: str) -> type[Layer]:
    if name in LAYERS:
        return LAYERS.get(name)
    lower = {known.lower(): known for known in LAYERS}
    near = difflib.get_close_matches(name.lower().replace("_", ""), lower, n=1)
    todo = f"did you mean '{lower[near[0]]}'?" if near else suggestion(name, LAYERS.names())
    raise ArchitectureError(f"no layer is called '{name}'", todo=todo)
