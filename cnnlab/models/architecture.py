"""A network's architecture: a list of layers or a builder's name, and what follows from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from cnnlab.errors import ArchitectureError, UnknownNameError
from cnnlab.models.builders import BUILDERS, builder_params
from cnnlab.models.layers import Layer, parse_layer, shape_text
from cnnlab.models.layers.arguments import shown, whole
from cnnlab.models.plan import Step, at_layer, plan
from cnnlab.models.summary import Summary, summarize
from cnnlab.registry import suggestion
from cnnlab.tables import ShownAsText

if TYPE_CHECKING:
    import torch

    from cnnlab.models.network import Network

__all__ = ["Architecture", "check_classes", "check_content", "check_input_shape"]

_KEYS = ("name", "input_shape", "classes", "layers", "builder", "params")
_TEXT, _MAPPING = (str, "text"), (dict, "a mapping")
_KINDS: dict[str, tuple[type, str]] = {
    **dict.fromkeys(("name", "description", "builder", "normalization"), _TEXT),
    **dict.fromkeys(("params", "training", "optimizer", "schedule", "provenance"), _MAPPING),
    "layers": (list, "a list with one mapping a layer"),
}
_MAX_SIDE = 1 << 14
_MAX_CLASSES = 1 << 20


@dataclass(frozen=True)
class Architecture(ShownAsText):
    """A network that fits its images and classes; checked when it is made.

    Attributes
    ----------
    name: the model's name.
    input_shape: height, width and channels of the images.
    classes: how many logits the network gives.
    layers: the layers as mappings, ``{"type": "Conv2D", "filters": 64, ...}``; or
    builder, params: a registered builder's name and all of its parameters.
    source: the file or model that errors name.

    Raises :class:`ArchitectureError` that names the layer and the shapes that clash.
    """

    name: str
    input_shape: tuple[int, int, int]
    classes: int
    layers: tuple[dict[str, Any], ...] = ()
    builder: str | None = None
    params: dict[str, Any] = field(default_factory=dict)
    source: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        where = self.source or self.name
        object.__setattr__(self, "source", where)
        object.__setattr__(self, "input_shape", check_input_shape(self.input_shape, where=where))
        check_classes(self.classes, where=where)
        if bool(self.layers) == (self.builder is not None):
            raise ArchitectureError(
                "it has to be written one way", where=where, expected="layers, or a builder"
            )
        if self.builder is not None:
            object.__setattr__(self, "params", _plain(self._builder_params(self.builder)))
        elif self.params:
            raise ArchitectureError("only a builder takes params", where=where)
        object.__setattr__(self, "layers", tuple(_plain(self.layers)))
        _check_output(self.steps, self.classes, where=where)

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """The layers in order, each with its name and shapes."""
        return plan(self._named_layers(), self.input_shape, where=self.source)

    def _builder_params(self, builder: str) -> dict[str, Any]:
        try:
            return builder_params(builder, self.params)
        except UnknownNameError as error:
            raise error.within(self.source) from None

    def _named_layers(self) -> list[tuple[str | None, Layer]]:
        if self.builder is not None:
            build = BUILDERS.get(self.builder)
            try:
                layers = build(self.input_shape, self.classes, **self.params)
            except ArchitectureError as error:
                raise at_layer(error, self.source, str(error.where or "builder")) from None
            return [(None, layer) for layer in layers]
        parsed = []
        for number, item in enumerate(self.layers, start=1):
            try:
                parsed.append(parse_layer(item, classes=self.classes))
            except ArchitectureError as error:
                place = f"layer {number} of {len(self.layers)}{_label(item)}"
                raise at_layer(error, self.source, place) from None
        return parsed

    def build(self, generator: torch.Generator | None = None) -> Network:
        """Make the network: float ``[N, C, H, W]`` in, logits ``[N, classes]`` out.

        Weights are drawn on the CPU from ``generator``, or from torch's global one.
        """
        from cnnlab.models.modules import draw_weights
        from cnnlab.models.network import Network

        reserved = Network({})
        for step in self.steps:
            if hasattr(reserved, step.name):
                raise ArchitectureError(
                    f"a layer cannot be called '{step.name}'",
                    where=self.source,
                    todo="torch needs that name; choose another",
                )
        network = Network({step.name: step.layer.build(step.input_shape) for step in self.steps})
        draw_weights(network, generator)
        return network

    def summary(self) -> Summary:
        """Return the layer table with totals, cost and memory; needs no torch."""
        return summarize(self.name, self.input_shape, self.steps)

    def to_text(self) -> str:
        """The layer table of :meth:`summary`."""
        return self.summary().to_text()

    def to_dict(self) -> dict[str, Any]:
        """Plain values for ``architecture.yaml``; :meth:`from_dict` gives the same back."""
        head = {
            "name": self.name,
            "input_shape": list(self.input_shape),
            "classes": self.classes,
        }
        if self.builder is not None:
            return {**head, "builder": self.builder, "params": _plain(self.params)}
        return {**head, "layers": list(_plain(self.layers))}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any], *, source: str = "") -> Architecture:
        """Read what :meth:`to_dict` wrote; ``source`` names its file in errors."""
        where = source or "architecture"
        check_content(content, _KEYS, where=where)
        for key in ("name", "input_shape", "classes"):
            if key not in content:
                raise ArchitectureError(f"the key '{key}' is missing", where=where)
        return cls(**{**content, "layers": tuple(content.get("layers", ()))}, source=source)


def check_content(content: Mapping[str, Any], keys: Sequence[str], *, where: object) -> None:
    """Check that a file's keys are among ``keys`` and hold lists, mappings and text as they should.

    Raises :class:`ArchitectureError` that names the key.
    """
    for key, value in content.items():
        if key not in keys:
            raise ArchitectureError(
                f"unknown key '{key}'", where=where, todo=suggestion(str(key), sorted(keys))
            )
        kind, said = _KINDS.get(key, (object, ""))
        if not isinstance(value, kind):
            raise ArchitectureError(f"{key} is {shown(value)}", where=where, expected=said)


def check_input_shape(value: object, *, where: object) -> tuple[int, int, int]:
    """Return ``value`` as (height, width, channels), or raise :class:`ArchitectureError`."""
    one = whole(1, _MAX_SIDE)
    sizes = value if isinstance(value, list | tuple) else ()
    try:
        height, width, channels = (one(size) for size in sizes)
    except ValueError:
        raise ArchitectureError(
            f"input_shape is {shown(value)}",
            where=where,
            expected=f"[height, width, channels], each from 1 to {_MAX_SIDE}",
        ) from None
    return height, width, channels


def check_classes(value: object, *, where: object) -> int:
    """Return ``value`` as a number of classes, or raise :class:`ArchitectureError`."""
    try:
        return whole(2, _MAX_CLASSES)(value)
    except ValueError as error:
        raise ArchitectureError(
            f"classes is {shown(value)}", where=where, expected=str(error)
        ) from None


def _check_output(steps: tuple[Step, ...], classes: int, *, where: object) -> None:
    last = steps[-1]
    place = f"{where}: layer {len(steps)} of {len(steps)} '{last.name}' ({last.type})"
    if len(last.output_shape) != 1:
        raise ArchitectureError(
            f"the network ends with a map of {shape_text(last.output_shape)}",
            where=place,
            expected=f"{classes} logits",
            todo="end with Flatten or GlobalAveragePooling2D, then {type: Dense, units: classes}",
        )
    if last.output_shape[0] != classes:
        raise ArchitectureError(
            f"the network gives {last.output_shape[0]} logits, but there are {classes} classes",
            where=place,
            todo="write 'units: classes' in its last layer with weights",
        )
    for step in reversed(steps):
        if getattr(step.layer, "activation", None) == "softmax":
            raise ArchitectureError(
                "the output must be logits, and this makes them probabilities",
                where=f"{where}: '{step.name}' ({step.type})",
                todo="remove softmax; the loss and the predictions apply it",
            )
        if step.trainable_params:
            break


def _label(item: object) -> str:
    """What tells a layer that could not be read from its neighbours."""
    if not isinstance(item, Mapping):
        return ""
    name, kind = item.get("name"), item.get("type")
    return (f" '{name}'" if isinstance(name, str) else "") + (
        f" ({kind})" if isinstance(kind, str) else ""
    )


def _plain(value: Any) -> Any:
    """A deep copy with lists for tuples, as YAML gives it back."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
