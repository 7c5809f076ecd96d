"""A trained network for other classes: which weights are taken, which are drawn, which stay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from cnnlab.errors import ConfigError, RunError, UnknownNameError
from cnnlab.models import Architecture
from cnnlab.models.network import Network
from cnnlab.registry import suggestion
from cnnlab.training.base_run import BaseRun

__all__ = ["Transplant", "for_classes", "frozen_layers", "head_layers", "plan_transplant"]


def for_classes(architecture: Architecture, classes: int) -> Architecture:
    """The same network with as many logits as there are classes.

    Its last layer with units or filters gives them, whatever number was written there.
    """
    layers = list(architecture.layers)
    for number in reversed(range(len(layers))):
        key = next((key for key in ("units", "filters") if key in layers[number]), None)
        if key is not None:
            layers[number] = {**layers[number], key: "classes"}
            break
    return replace(architecture, layers=tuple(layers), classes=classes)


def head_layers(architecture: Architecture) -> tuple[str, ...]:
    """The layers whose size follows the number of classes: the last Dense and what is behind it."""
    other = for_classes(architecture, 3 if architecture.classes == 2 else architecture.classes - 1)
    pairs = zip(architecture.steps, other.steps, strict=True)
    return tuple(
        one.name
        for one, two in pairs
        if (one.layer, one.input_shape) != (two.layer, two.input_shape)
    )


def frozen_layers(architecture: Architecture, freeze: str) -> tuple[str, ...]:
    """The layers that ``freeze`` keeps as they are, from the first on; see ``InitConfig``.

    Raises :class:`UnknownNameError` for a layer that is not there, and :class:`ConfigError` where
    nothing would be left to train.
    """
    names = [step.name for step in architecture.steps]
    if freeze == "none":
        count = 0
    elif freeze == "features":
        count = names.index(head_layers(architecture)[0])
    elif freeze in names:
        count = names.index(freeze) + 1
    else:
        raise UnknownNameError(
            f"no layer is called '{freeze}'",
            where="init.freeze",
            todo=suggestion(freeze, ["none", "features", *names]),
        )
    if not any(step.trainable_params for step in architecture.steps[count:]):
        raise ConfigError(
            f"nothing behind '{freeze}' is left to train",
            where="init.freeze",
            todo="freeze fewer layers: features stands for all before the head",
        )
    return tuple(names[:count])


@dataclass(frozen=True, eq=False)
class Transplant:
    """Weights of a base run on their way into a network for other classes.

    Attributes
    ----------
    whole: tensors that are taken as they are, by name.
    head: the old head's tensors ``[old classes, ...]``, of which rows are taken.
    rows: pairs (row of the new head, row of the old one), by the classes' names.
    head_names: the head's layers.
    whole_head: whether the head is among what is taken whole.
    """

    whole: dict[str, torch.Tensor]
    head: dict[str, torch.Tensor]
    rows: tuple[tuple[int, int], ...]
    head_names: tuple[str, ...]
    whole_head: bool

    @torch.no_grad()
    def into(self, network: Network) -> None:
        """Put them in the place of the network's own weights; what is not taken stays."""
        place = network.state_dict()
        for name, tensor in self.whole.items():
            place[name].copy_(tensor)
        for name, tensor in self.head.items():
            for new, old in self.rows:
                place[name][new].copy_(tensor[old])


def plan_transplant(
    base: BaseRun, architecture: Architecture, class_names: Sequence[str]
) -> Transplant:
    """Decide what a network for ``class_names`` takes from the base run.

    Everything before the head is taken. The head is taken whole where the classes are the same in
    the same order, and else row by row where a class has the same name; heads of several layers
    have no such rows and are drawn anew.

    Raises :class:`RunError` where the run's weights do not fit its architecture.
    """
    names = head_layers(architecture)
    _check_fit(base)
    tensors, match = base.tensors, base.init.head == "match"
    if match and tuple(class_names) == base.class_names:
        return Transplant(dict(tensors), {}, (), names, whole_head=True)
    head = {name: tensors[name] for name in tensors if _layer(name) in names}
    by_row = all(tensor.shape[:1] == (len(base.class_names),) for tensor in head.values())
    rows: list[tuple[int, int]] = []
    if match and by_row and len(set(map(_layer, head))) == 1:
        old = {name: row for row, name in enumerate(base.class_names)}
        rows = [(row, old[name]) for row, name in enumerate(class_names) if name in old]
    whole = {name: tensor for name, tensor in tensors.items() if name not in head}
    return Transplant(whole, head, tuple(rows), names, whole_head=False)


def _layer(tensor_name: str) -> str:
    return tensor_name.partition(".")[0]


def _check_fit(base: BaseRun) -> None:
    network = base.architecture.build(torch.Generator().manual_seed(0))
    wanted = {name: (tensor.shape, tensor.dtype) for name, tensor in network.state_dict().items()}
    found = {name: (tensor.shape, tensor.dtype) for name, tensor in base.tensors.items()}
    if wanted != found or len(base.class_names) != base.architecture.classes:
        raise RunError("weights and architecture do not fit", where=base.run.best_weights)
