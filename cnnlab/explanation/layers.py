"""Which layer of a network to look at, and the network before and behind it."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from cnnlab.errors import InputError, UnknownNameError
from cnnlab.models import Architecture
from cnnlab.models.layers import shape_text
from cnnlab.models.plan import Step
from cnnlab.registry import suggestion
from cnnlab.training.transplant import head_layers

__all__ = ["feature_layer", "map_layer", "parted", "through", "views_of"]


def map_layer(architecture: Architecture, asked: str | None = None) -> Step:
    """The layer whose map Grad-CAM weighs: the last convolution's, normalised and activated.

    That is the last layer with a window and weights (a residual block counts as one) whose map
    has more than one pixel, or the last of the layers right behind it that work pixel by pixel
    (normalisation, activation, dropout). Pooling would only make the map coarser. In a network
    without convolutions it is the last layer that has a map.

    Raises :class:`UnknownNameError` where no layer is called as ``asked``, and
    :class:`InputError` where it, or every layer, has no map.
    """
    steps = architecture.steps
    if asked is not None:
        return _asked(architecture, asked)
    maps = [step for step in steps if _has_map(step)]
    convolutions = [step for step in maps if step.layer.windows() and _has_weights(step)]
    if not maps:
        raise InputError(
            "no layer has a map of more than one pixel",
            where=architecture.source,
            todo="use --method occlusion, which needs none",
        )
    if not convolutions:
        return maps[-1]
    chosen = convolutions[-1]
    for step in steps[steps.index(chosen) + 1 :]:
        if step.layer.windows() or step.output_shape[:2] != chosen.output_shape[:2]:
            break
        chosen = step
    return chosen


def _asked(architecture: Architecture, name: str) -> Step:
    found = next((step for step in architecture.steps if step.name == name), None)
    with_maps = [step.name for step in architecture.steps if len(step.output_shape) == 3]
    if found is None:
        todo = suggestion(name, with_maps)
        raise UnknownNameError(f"no layer is called '{name}'", where="--layer", todo=todo)
    if len(found.output_shape) != 3:
        raise InputError(
            f"'{name}' gives {shape_text(found.output_shape)} numbers, not a map",
            where="--layer",
            expected=f"one of {', '.join(with_maps)}" if with_maps else None,
        )
    return found


def _has_map(step: Step) -> bool:
    return len(step.output_shape) == 3 and step.output_shape[0] * step.output_shape[1] > 1


def _has_weights(step: Step) -> bool:
    return step.trainable_params + step.non_trainable_params > 0


def feature_layer(architecture: Architecture) -> str | None:
    """The layer whose output the head classifies; None where the head takes the image itself.

    The head is the last layer whose size follows the number of classes.
    """
    names = [step.name for step in architecture.steps]
    place = names.index(head_layers(architecture)[0])
    return names[place - 1] if place else None


def parted(network: nn.Module, layer: str | None) -> tuple[list[nn.Module], list[nn.Module]]:
    """The network's layers up to and with ``layer`` (none where None), and those behind it."""
    layers = dict(network.named_children())
    end = 0 if layer is None else [*layers].index(layer) + 1
    modules = [*layers.values()]
    return modules[:end], modules[end:]


def through(layers: Iterable[nn.Module], x: Tensor) -> Tensor:
    """What comes out behind layers, one after the other."""
    for layer in layers:
        x = layer(x)
    return x


def views_of(inputs: Tensor, *, mirror: bool) -> Tensor:
    """The views ``[V * N, C, H, W]`` of images that logits are the mean of: mirrored ones last."""
    return torch.cat([inputs, inputs.flip(3)]) if mirror else inputs
