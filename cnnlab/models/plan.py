"""From a list of layers to steps: a name, an input shape and an output shape for each."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cnnlab.errors import ArchitectureError
from cnnlab.models.layers import Layer, Shape, shape_text
from cnnlab.models.layers.arguments import shown

__all__ = ["MAX_PARAMS", "MAX_VALUES", "Step", "at_layer", "plan", "snake_case"]

#: Above these a network is refused before anything is allocated: 4 GiB of parameters, and 1 GiB of
#: activations for one image.
MAX_PARAMS = 1 << 30
MAX_VALUES = 1 << 28

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")


@dataclass(frozen=True)
class Step:
    """One layer in its place."""

    name: str
    layer: Layer
    input_shape: Shape
    output_shape: Shape

    @property
    def type(self) -> str:
        """The layer's class name, as Keras writes it."""
        return type(self.layer).__name__

    @property
    def trainable_params(self) -> int:
        """Parameters that training changes."""
        return self.layer.trainable_params(self.input_shape)

    @property
    def non_trainable_params(self) -> int:
        """Moving statistics and frozen weights."""
        return self.layer.non_trainable_params(self.input_shape)

    @property
    def activation_values(self) -> int:
        """Numbers that a forward pass makes for one image."""
        return self.layer.activation_values(self.input_shape)

    @property
    def flops(self) -> int:
        """Forward for one image, see :meth:`Layer.flops`."""
        return self.layer.flops(self.input_shape)


def snake_case(name: str) -> str:
    """``MaxPooling2D`` as ``max_pooling2d``: Keras's way to name a layer by its class."""
    words = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", words).lower()


def at_layer(error: ArchitectureError, where: object, place: str) -> ArchitectureError:
    """The same error with the layer's place in front."""
    return ArchitectureError(
        error.what, where=f"{where}: {place}", expected=error.expected, todo=error.todo
    )


def plan(
    layers: Sequence[tuple[str | None, Layer]], input_shape: Shape, *, where: object
) -> tuple[Step, ...]:
    """Name the layers as Keras does and follow the shapes through them.

    ``where`` (a file or a model's name) stands in front of errors.
    """
    steps: list[Step] = []
    shape = input_shape
    names = _names(layers, where=where)
    for number, (name, (_, layer)) in enumerate(zip(names, layers, strict=True), start=1):
        place = f"layer {number} of {len(layers)} '{name}' ({type(layer).__name__})"
        try:
            output = layer.infer(shape)
        except ArchitectureError as error:
            raise at_layer(error, where, place) from None
        step = Step(name, layer, shape, output)
        if step.activation_values > MAX_VALUES or step.trainable_params > MAX_PARAMS:
            raise ArchitectureError(
                f"{step.trainable_params:,} parameters, output {shape_text(output)}",
                where=f"{where}: {place}",
                expected=f"at most {MAX_PARAMS:,} parameters and {MAX_VALUES:,} values",
            )
        steps.append(step)
        shape = output
    _check_total(steps, where=where)
    return tuple(steps)


def _names(layers: Sequence[tuple[str | None, Layer]], *, where: object) -> list[str]:
    given = [name for name, _ in layers if name is not None]
    for name in given:
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise ArchitectureError(
                f"a layer's name is {shown(name)}",
                where=where,
                expected="a letter, then up to 63 letters, digits, _ or -",
            )
    for name, count in Counter(given).items():
        if count > 1:
            raise ArchitectureError(
                f"{count} layers are called '{name}'", where=where, todo="give each its own name"
            )
    names: list[str] = []
    used: Counter[str] = Counter()
    for own, layer in layers:
        names.append(own or _automatic(snake_case(type(layer).__name__), used, taken=given))
    return names


def _automatic(base: str, used: Counter[str], *, taken: Iterable[str]) -> str:
    while True:
        name = f"{base}_{used[base]}" if used[base] else base
        used[base] += 1
        if name not in taken:
            return name


def _check_total(steps: Sequence[Step], *, where: object) -> None:
    params = sum(step.trainable_params + step.non_trainable_params for step in steps)
    values = sum(step.activation_values for step in steps)
    if params > MAX_PARAMS or values > MAX_VALUES:
        raise ArchitectureError(
            f"{params:,} parameters and {values:,} values for one image",
            where=where,
            expected=f"at most {MAX_PARAMS:,} parameters and {MAX_VALUES:,} values",
            todo="use fewer filters or units, or pool more",
        )
