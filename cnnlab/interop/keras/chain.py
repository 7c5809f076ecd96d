"""A Keras model's configuration -> its layers in order; what branches is refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cnnlab.errors import ArchitectureError
from cnnlab.models.layers.arguments import shown
from cnnlab.models.plan import snake_case

__all__ = ["Node", "chain_of", "type_and_config"]

#: What a model is called in its configuration; "Model" is what Keras 2 called a Functional one.
_MODELS = ("Functional", "Model", "Sequential")
_MOST_LAYERS, _DEEPEST = 2000, 8
_MODULES = ("builtins", "keras", "tensorflow")
_EXPECTED = "a Sequential model, or a Functional one whose layers form one chain"


@dataclass(frozen=True)
class Node:
    """One layer as the configuration says it.

    Attributes
    ----------
    name, type: its name, and Keras's name of its class.
    config: its arguments, unchecked.
    path: where a file keeps its variables.
    place: what errors call it.
    """

    name: str
    type: str
    config: Mapping[str, Any]
    path: tuple[str, ...]
    place: str

    def refusal(
        self, what: str, *, expected: str | None = None, todo: str | None = None
    ) -> ArchitectureError:
        """An error at this layer."""
        return ArchitectureError(what, where=self.place, expected=expected, todo=todo)


def chain_of(content: object, where: str) -> list[Node]:
    """The layers of a model in order, those of models within it in their places.

    The first is an InputLayer. ``where`` names the file. Raises :class:`ArchitectureError` for
    what is no model, branches, or has no layers.
    """
    nodes = list(_layers(content, where, (), depth=0))
    if not nodes:
        raise ArchitectureError("the model has no layers", where=where)
    if nodes[0].type != "InputLayer":
        _, config = type_and_config(content, where)
        shape = config.get("build_input_shape", nodes[0].config.get("batch_input_shape"))
        first = Node("input", "InputLayer", {"batch_shape": shape}, (), f"{where}: its input")
        nodes.insert(0, first)
    return nodes


def type_and_config(content: object, where: str) -> tuple[str, Mapping[str, Any]]:
    """What an object is and its arguments; one that is no part of Keras is refused."""
    kind = content.get("class_name") if isinstance(content, Mapping) else None
    if not isinstance(content, Mapping) or not isinstance(kind, str):
        raise ArchitectureError(f"reads {shown(content)}", where=where, expected=_EXPECTED)
    module, registered = content.get("module"), content.get("registered_name")
    own = isinstance(module, str) and module.split(".")[0] not in (
        "keras",
        "tensorflow",
        "builtins",
    )
    if own or (isinstance(registered, str) and ">" in registered):
        raise ArchitectureError(
            f"{shown(registered or kind)} is somebody's own class, whose code is not in the file",
            where=where,
            expected="Keras's own layers",
        )
    config = content.get("config")
    return kind, config if isinstance(config, Mapping) else {}


def _layers(content: object, where: str, path: tuple[str, ...], *, depth: int) -> Iterator[Node]:
    kind, config = type_and_config(content, where)
    if kind not in _MODELS:
        raise ArchitectureError(f"it holds a {shown(kind)}", where=where, expected=_EXPECTED)
    if depth > _DEEPEST:
        raise ArchitectureError("models in models without end", where=where)
    entries = config.get("layers")
    if not isinstance(entries, list) or len(entries) > _MOST_LAYERS:
        raise ArchitectureError(
            "it has no list of layers", where=where, expected=f"up to {_MOST_LAYERS:,} layers"
        )
    if kind != "Sequential":
        entries = _in_order(entries, config, where)
    used: Counter[str] = Counter()
    for number, entry in enumerate(entries, start=1):
        name = _name_of(entry)
        place = f"{where}: layer {number} of {len(entries)} '{shown(name)[1:-1]}'"
        inner, arguments = type_and_config(entry, place)
        base = snake_case(inner)
        own = (*path, "layers", f"{base}_{used[base]}" if used[base] else base)
        if inner != "InputLayer":  # Keras leaves a Sequential model's out when it counts
            used[base] += 1
        if inner in _MODELS:
            yield from _layers(entry, place, own, depth=depth + 1)
        else:
            yield Node(name, inner, arguments, own, f"{place} ({shown(inner)[1:-1]})")


def _name_of(entry: object) -> str:
    if not isinstance(entry, Mapping):
        return ""
    config = entry.get("config")
    name = entry.get("name") or (config.get("name") if isinstance(config, Mapping) else None)
    return name if isinstance(name, str) else ""


def _in_order(entries: list[Any], config: Mapping[str, Any], where: str) -> list[Any]:
    """A Functional model's layers from its input to its output, each fed by the one before."""
    by_name = {_name_of(entry): entry for entry in entries}
    follower: dict[str, str] = {}
    first: list[str] = []
    for name, entry in by_name.items():
        sources = _sources(entry, f"{where}: layer '{shown(name)[1:-1]}'")
        if not sources:
            first.append(name)
        for source in sources:
            if source in follower or len(sources) > 1 or source not in by_name:
                raise _branches(where, name)
            follower[source] = name
    if len(first) != 1 or len(by_name) != len(entries):
        raise _branches(where, first[-1] if first else "")
    order = [first[0]]
    while order[-1] in follower and len(order) < len(by_name):
        order.append(follower[order[-1]])
    if (
        len(order) != len(by_name)
        or list(_references(config.get("output_layers"), 0)) != order[-1:]
    ):
        raise _branches(where, order[-1])
    return [by_name[name] for name in order]


def _branches(where: str, name: str) -> ArchitectureError:
    return ArchitectureError(
        f"its layers are no chain: something branches, or is used twice, at '{shown(name)[1:-1]}'",
        where=where,
        expected=_EXPECTED,
    )


def _sources(entry: object, where: str) -> list[str]:
    """The names of the layers whose outputs a layer takes; none for an input."""
    nodes = entry.get("inbound_nodes") if isinstance(entry, Mapping) else None
    if not nodes:
        return []
    if not isinstance(nodes, list) or len(nodes) != 1:
        raise _branches(where, _name_of(entry))
    if _is_training(nodes[0], 0):
        raise ArchitectureError(
            "it is called with training=True, so it acts when images are predicted, too",
            where=where,
            expected="layers that keep to how the model is called",
        )
    return list(_references(nodes[0], 0))


def _references(value: object, depth: int) -> Iterator[str]:
    """Every layer that a call names: Keras 3's tensors, or Keras 2's [name, node, tensor, ...]."""
    if depth > _DEEPEST:
        return
    if isinstance(value, Mapping):
        history = value.get("keras_history")
        if isinstance(history, list) and history and isinstance(history[0], str):
            yield history[0]
            return
        for item in value.values():
            yield from _references(item, depth + 1)
    elif isinstance(value, list):
        if len(value) >= 3 and isinstance(value[0], str) and isinstance(value[1], int):
            yield value[0]
            return
        for item in value:
            yield from _references(item, depth + 1)


def _is_training(value: object, depth: int) -> bool:
    if depth > _DEEPEST or not isinstance(value, Mapping | list):
        return False
    if isinstance(value, list):
        return any(_is_training(item, depth + 1) for item in value)
    inner = any(_is_training(item, depth + 1) for item in value.values())
    return value.get("training") is True or inner
