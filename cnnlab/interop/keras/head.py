"""The end of a Keras model: networks here give logits, and probabilities come afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from cnnlab.interop.keras.rules import check_axis
from cnnlab.interop.keras.translation import Piece

__all__ = ["Head", "head_of"]


@dataclass(frozen=True)
class Head:
    """A network whose end gives logits.

    Attributes
    ----------
    pieces: its layers.
    binary: whether its last layer had one unit, whose logit z is the second of (0, z) now.
    notes: what was changed.
    """

    pieces: list[Piece]
    binary: bool
    notes: list[str]


def head_of(pieces: list[Piece], content: Any) -> Head:
    """Take a final softmax or sigmoid off; ``content`` is the model's configuration.

    Raises :class:`ArchitectureError` for an output that is no class.
    """
    activation, pieces = _without_activation(pieces)
    if not pieces:
        return Head(pieces, binary=False, notes=[])
    last = pieces[-1]
    single = last.item["type"] == "Dense" and last.item["units"] == 1
    if activation == "softmax" and not single:
        return Head(pieces, False, [f"the softmax at its end ('{last.node.name}') is taken off"])
    if activation == "sigmoid" and not single:
        raise last.node.refusal(
            "its outputs are sigmoids: yes or no for each class, several at once",
            expected="a softmax, logits, or a Dense layer of one unit with a sigmoid",
        )
    if single:
        if activation != "sigmoid" and not _is_binary_logit(content):
            raise last.node.refusal(
                "it gives one number, and nothing says that it is a logit",
                expected="a sigmoid, or a model compiled with BinaryCrossentropy(from_logits=True)",
            )
        two = replace(last, item={**last.item, "units": 2})
        note = "its one output z becomes two logits, 0 and z: the same probabilities as a sigmoid's"
        return Head([*pieces[:-1], two], True, [note])
    return Head(pieces, False, ["it ends without a softmax: what it gives is taken as logits"])


def _without_activation(pieces: list[Piece]) -> tuple[str, list[Piece]]:
    """The final softmax or sigmoid, and the layers without it."""
    if not pieces:
        return "linear", pieces
    last = pieces[-1]
    activation = str(last.item.get("activation", "linear"))
    if activation not in ("softmax", "sigmoid"):
        return activation, pieces
    if last.item["type"] == "Activation":
        check_axis(last.node, 1)
        return activation, pieces[:-1]
    item = {key: value for key, value in last.item.items() if key != "activation"}
    return activation, [*pieces[:-1], replace(last, item=item)]


def _is_binary_logit(content: Any) -> bool:
    """Whether the model was compiled with a loss that takes its output for a logit."""
    compiled = content.get("compile_config") if isinstance(content, Mapping) else None
    loss = compiled.get("loss") if isinstance(compiled, Mapping) else None
    if not isinstance(loss, Mapping) or not isinstance(loss.get("config"), Mapping):
        return False
    return loss.get("class_name") == "BinaryCrossentropy" and bool(
        loss["config"].get("from_logits")
    )
