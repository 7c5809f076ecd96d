"""Keras's layers as items of our vocabulary, such as ``{"type": "Conv2D", "filters": 32, ...}``."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cnnlab.errors import ArchitectureError
from cnnlab.interop.keras.chain import Node, type_and_config
from cnnlab.interop.keras.rules import INACTIVE, RULES, SILENT, is_for_training
from cnnlab.models.layers import LAYERS
from cnnlab.models.layers.arguments import ACTIVATIONS, INITIALIZERS, shown
from cnnlab.models.plan import snake_case

__all__ = ["Piece", "check_precision", "left_out", "translated"]

#: Layers that may stand where an activation function does.
_AS_ACTIVATION = ("ELU", "LeakyReLU", "ReLU", "Softmax")
_PRECISIONS = frozenset(
    {"bfloat16", "float16", "float32", "float64", "mixed_bfloat16", "mixed_float16"}
)


@dataclass(frozen=True)
class Piece:
    """A layer of ours as an item, and the layer of Keras's that it came from."""

    item: dict[str, Any]
    node: Node


def translated(nodes: Sequence[Node]) -> list[Piece]:
    """The layers that count when images are predicted, as items.

    Raises :class:`ArchitectureError` that names the layer for what there is not here.
    """
    active = [node for node in nodes if node.type not in (*INACTIVE, *SILENT)]
    return _named([Piece(item, node) for node in active for item in _items(node)])


def left_out(nodes: Sequence[Node]) -> list[str]:
    """A note on layers that act in training only, if there are any."""
    names = [node.name for node in nodes if node.type in INACTIVE]
    return [f"left out, for they act in training only: {', '.join(names)}"] if names else []


def check_precision(nodes: Sequence[Node]) -> list[str]:
    """A note where Keras computes in another precision than float32, as is done here.

    Raises :class:`ArchitectureError` for quantized layers.
    """
    others = set()
    for node in nodes:
        said = node.config.get("dtype") or "float32"
        config = said.get("config") if isinstance(said, Mapping) else None
        name = config.get("name") if isinstance(config, Mapping) else said
        if node.type != "InputLayer" and (not isinstance(name, str) or name not in _PRECISIONS):
            raise node.refusal(
                f"its dtype is {shown(name)}", expected=f"one of {', '.join(sorted(_PRECISIONS))}"
            )
        if node.type != "InputLayer" and name != "float32":
            others.add(str(name))
    if not others:
        return []
    return [f"Keras computes it in {', '.join(sorted(others))}; here it is float32"]


def _items(node: Node) -> list[dict[str, Any]]:
    """A layer as one item; as two where its activation is a layer of its own here."""
    if node.type == "Softmax":
        _check_known(node, {"axis"})
        return [{"type": "Activation", "activation": "softmax"}]
    if node.type == "ELU":
        if node.config.get("alpha", 1.0) != 1.0:
            raise node.refusal("alpha is not 1", expected="1, or another activation")
        return [{"type": "Activation", "activation": "elu"}]
    if node.type == "Reshape" and node.config.get("target_shape") in ([-1], (-1,)):
        return [{"type": "Flatten"}]
    if node.type not in RULES:
        raise _unknown(node)
    found = _arguments(node)
    after: list[dict[str, Any]] = []
    if "activation" in RULES[node.type].takes:
        name, after = _activation(node)
        found["activation"] = name
        if node.type == "Activation" and after:
            return after
    return [_short(node, found), *after]


def _unknown(node: Node) -> ArchitectureError:
    if node.type == "Lambda":
        return node.refusal(
            "it is Python code, which is never run here",
            expected="a layer that says what it does",
            todo="replace it, and save the model again",
        )
    return node.refusal(
        f"a layer of type {shown(node.type)[1:-1]} cannot be said in cnnlab's layers",
        expected=f"one of {', '.join(sorted({*RULES, 'ELU', 'Normalization', 'Softmax'}))}",
    )


def _arguments(node: Node) -> dict[str, Any]:
    """The arguments that a layer of ours takes; those that it could not are refused."""
    rule = RULES[node.type]
    config = dict(node.config)
    if node.type == "LeakyReLU" and "alpha" in config:  # Keras 2's name
        config.setdefault("negative_slope", config.pop("alpha"))
    for key, allowed in rule.only.items():
        if key in config and config[key] not in allowed:
            expected = " or ".join(str(value) for value in allowed if value is not None)
            raise node.refusal(f"{key} is {shown(config[key])}", expected=expected)
    _check_known(
        replace(node, config=config), {*rule.takes, *rule.only, *({"axis"} if rule.axis else ())}
    )
    found = {key: config[key] for key in rule.takes if key in config}
    initializer = _initializer(config.get("kernel_initializer"))
    if initializer and node.type in ("Conv2D", "Dense"):
        found["kernel_initializer"] = initializer
    return found


def _check_known(node: Node, known: set[str]) -> None:
    for key, value in node.config.items():
        if key not in known and not is_for_training(key) and value not in (None, False):
            raise node.refusal(
                f"{shown(key)[1:-1]} is {shown(value)}, which cannot be said here",
                expected="None or False",
            )


def _initializer(value: object) -> str | None:
    """A kernel's initializer by our name, for whoever trains the architecture anew."""
    name = value.get("class_name") if isinstance(value, Mapping) else value
    ours = snake_case(name) if isinstance(name, str) else ""
    return ours if ours in INITIALIZERS else None


def _activation(node: Node) -> tuple[str, list[dict[str, Any]]]:
    """An inline activation by our name; or none, and the layer that stands for it."""
    value = node.config.get("activation")
    if isinstance(value, Mapping):
        kind, config = type_and_config(value, node.place)
        if kind in _AS_ACTIVATION:
            return "linear", _items(replace(node, type=kind, config=config))
        value = value.get("config")
    if value is None or value in ACTIVATIONS:
        return str(value or "linear"), []
    if value == "relu6":
        return "linear", [{"type": "ReLU", "max_value": 6.0}]
    raise node.refusal(
        f"its activation is {shown(value)}", expected=f"one of {', '.join(ACTIVATIONS)}, relu6"
    )


def _short(node: Node, found: Mapping[str, Any]) -> dict[str, Any]:
    """An item without the arguments whose values are the defaults; each is checked."""
    kind = LAYERS.get(node.type)
    fields = {field.name: field for field in dataclasses.fields(kind)}
    try:
        layer = kind(**{key: found[key] for key in fields if key in found})
    except (ArchitectureError, TypeError) as error:
        what = error.what if isinstance(error, ArchitectureError) else "an argument is missing"
        expected = error.expected if isinstance(error, ArchitectureError) else None
        raise node.refusal(what, expected=expected) from None
    item: dict[str, Any] = {"type": node.type}
    for name, field in fields.items():
        value = getattr(layer, name)
        is_needed = field.default is dataclasses.MISSING
        if is_needed or value != field.metadata["check"](field.default):
            item[name] = _plain(value)
    if "Pooling" in node.type and item.get("strides") == item.get("pool_size", 2):
        del item["strides"]
    return item


def _plain(value: Any) -> Any:
    """Lists for tuples; one number for a pair of the same."""
    if isinstance(value, tuple):
        parts = [_plain(part) for part in value]
        return parts[0] if len(parts) == 2 and parts[0] == parts[1] else parts
    return value


def _named(pieces: list[Piece]) -> list[Piece]:
    """Keep names that somebody chose, where torch can have them too, once each."""
    taken: set[str] = set()
    named = []
    for piece in pieces:
        name, kind = piece.node.name, piece.item["type"]
        automatic = re.fullmatch(rf"{snake_case(piece.node.type)}(_\d+)?", name)
        if automatic or name in taken or not _is_possible(name) or kind != piece.node.type:
            named.append(piece)
            continue
        taken.add(name)
        named.append(replace(piece, item={"type": kind, "name": name, **piece.item}))
    return named


def _is_possible(name: str) -> bool:
    from cnnlab.models.network import Network

    return bool(re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]{0,63}", name)) and not hasattr(
        Network({}), name
    )
