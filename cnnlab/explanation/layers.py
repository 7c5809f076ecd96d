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

__all__ = ["feature_layer", "fine_map_layer", "map_layer", "parted", "through", "views_of"]

_FINE_SHARE = 1 / 5


def map_layer(architecture: Architecture, asked: str | None = None) -> Step:
    """The layer whose map Grad-CAM weighs: the last convolution's, normalised and activated.

    That is the last layer with a window and weights (a residual block counts as one) whose map
    has more than one pixel, or the last of the layers right behind it that work pixel by pixel
    (normalisation, activation, dropout). Pooling would only make the map coarser. In a network
    without convolutions it is the last layer that has a map.

    Raises :class:`UnknownNameError` where no layer is called as ``asked``, and
    :class:`InputError` where it, or every layer, has no map.
    """
    if asked is not None:
        return _asked(architecture, asked)
    maps = [step for step in architecture.steps if _has_map(step)]
    if not maps:
        raise InputError(
            "no layer has a map of more than one pixel",
            where=architecture.source,
            todo="use --method occlusion, which needs none",
        )
    ends = _ends_of_convolutions(architecture)
    return ends[-1] if ends else maps[-1]


def fine_map_layer(architecture: Architecture, asked: str | None = None) -> Step:
    """The layer whose map Layer-CAM weighs: as :func:`map_layer`, but not too coarse.

    That is the end of the last convolution whose map has a fifth of the image's rows and columns
    at least and is activated before it is pooled; where there is none, the last one's. In a
    network that ends in 3x3 pixels the last map says hardly more than "left" or "right".
    """
    if asked is None:
        height, width, _ = architecture.input_shape
        for end in reversed(_ends_of_convolutions(architecture)):
            rows, columns = end.output_shape[:2]
            fine = rows >= _FINE_SHARE * height and columns >= _FINE_SHARE * width
            if fine and getattr(end.layer, "activation", None) != "linear":
                return end
    return map_layer(architecture, asked)


def _ends_of_convolutions(architecture: Architecture) -> list[Step]:
    """Of every convolution with a map the last step that works on its pixels one by one."""
    steps = architecture.steps
    ends = []
    for number, step in enumerate(steps):
        if not (_has_map(step) and step.layer.windows() and _has_weights(step)):
            continue
        end = step
        for behind in steps[number + 1 :]:
            if behind.layer.windows() or behind.output_shape[:2] != step.output_shape[:2]:
                break
            end = behind
        ends.append(end)
    return ends


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
