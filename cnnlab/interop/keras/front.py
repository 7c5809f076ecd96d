"""What a Keras model does with pixels before its network: size, range, rescaling, normalization."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnlab.errors import ConfigError
from cnnlab.inference import Preprocessing
from cnnlab.interop.keras.chain import Node
from cnnlab.interop.keras.rules import INACTIVE, SILENT
from cnnlab.interop.keras.stores import Store
from cnnlab.models.layers.arguments import shown

__all__ = ["SCALES", "Front", "front_of", "split_front"]

#: The ranges that a model's input can have: scale and offset of a pixel from 0 to 255.
SCALES = {"255": (1.0, 0.0), "1": (1 / 255, 0.0), "minus-one-to-one": (2 / 255, -1.0)}
#: A factor below this is meant for pixels up to 255: it would leave nothing of numbers up to 1.
_SMALL = 1 / 32
#: Keras's own guard against a deviation of zero.
_EPSILON = 1e-7
#: Layers that leave images of their own size as they are.
_SIZES = ("CenterCrop", "RandomCrop", "Resizing")

Numbers = NDArray[np.float64]


@dataclass
class Front:
    """The beginning of a model, as far as preprocessing says the same.

    Attributes
    ----------
    input_shape: height, width and channels of the images.
    preprocessing: from their pixels to what the first layer behind it takes.
    notes: what was taken from where.
    """

    input_shape: tuple[int, int, int]
    preprocessing: Preprocessing
    notes: list[str] = field(default_factory=list)


def split_front(nodes: Sequence[Node]) -> tuple[list[Node], list[Node]]:
    """The layers of the beginning, of which the first is an InputLayer, and those behind it."""
    for number, node in enumerate(nodes):
        if node.type in ("Rescaling", "Normalization", *_SIZES, *INACTIVE, *SILENT):
            continue
        if node.type == "Reshape" and _sizes(node.config.get("target_shape"))[2:] == [1]:
            continue
        return list(nodes[:number]), list(nodes[number:])
    return list(nodes), []


def front_of(
    begin: Sequence[Node],
    rest: Sequence[Node],
    store: Store,
    *,
    scale: str | None,
    image_size: tuple[int, int] | None,
) -> Front:
    """Read the beginning of a model.

    Parameters
    ----------
    begin, rest: its layers, as :func:`split_front` splits them.
    store: where a Normalization layer's statistics are.
    scale: the range of what the model takes, a key of :data:`SCALES`; None: what it tells itself.
    image_size: height and width, where the model takes any.

    Raises :class:`ArchitectureError` for an input that is no image, and :class:`ConfigError` where
    the range or the size is not known.
    """
    shape, notes = _input_shape(begin, rest, image_size)
    steps = [_affine(node, shape[2], store) for node in begin]
    chosen, reason = _range(begin, steps, scale)
    notes.append(reason)
    first, zero = SCALES[chosen]
    factor, offset = np.full(shape[2], first), np.full(shape[2], zero)
    for node, step in zip(begin, steps, strict=True):
        if step is not None:
            factor, offset = factor * step[0], offset * step[0] + step[1]
            notes.append(f"'{node.name}' ({node.type}) becomes preprocessing")
    if not (np.isfinite([factor, offset]).all() and factor.all()):
        raise begin[0].refusal("what is done to its pixels leaves nothing of them")
    deviation = 1 / (255 * factor)
    preprocessing = Preprocessing(
        mean=tuple(float(value) for value in -offset * deviation + 0.0),
        std=tuple(float(value) for value in deviation),
        image_size=shape[:2],
    )
    return Front(shape, preprocessing, notes)


def _input_shape(
    begin: Sequence[Node], rest: Sequence[Node], image_size: tuple[int, int] | None
) -> tuple[tuple[int, int, int], list[str]]:
    node, notes = begin[0], []
    said = node.config.get("batch_shape", node.config.get("batch_input_shape"))
    shape = _sizes(said)[1:]
    if len(shape) == 2 and _is_flat(begin, rest):
        shape = [*shape, 1]
    if len(shape) != 3 or shape[2] not in (1, 3, 4):
        raise node.refusal(
            f"the model takes {shown(said)}",
            expected="images: [None, height, width, channels] with 1, 3 or 4 channels, last",
        )
    for layer in begin:
        size = [layer.config.get("height"), layer.config.get("width")]
        if layer.type == "Resizing":
            fixed = _sizes(size)
            notes.append(
                f"'{layer.name}' (Resizing) becomes the size of the images; "
                "files of another size are brought to it with cnnlab's own filter"
            )
            shape = [*fixed, shape[2]] if len(fixed) == 2 else shape
        elif layer.type in _SIZES and size != shape[:2]:
            raise layer.refusal(f"it cuts images to {shown(size)}", expected="their own size")
        elif layer.type == "Reshape" and layer.config.get("target_shape") != [*shape[:2], 1]:
            raise layer.refusal("it reshapes images", expected=f"the shape {[*shape[:2], 1]}")
    if None in shape[:2]:
        if image_size is None:
            raise ConfigError(
                "it takes images of any size",
                where=node.place,
                todo="say which, as height x width: --image-size 32x32",
            )
        shape = [*image_size, shape[2]]
    elif image_size is not None and list(image_size) != shape[:2]:
        raise ConfigError(
            f"image size {image_size[0]}x{image_size[1]}",
            where=node.place,
            expected=f"{shape[0]}x{shape[1]}, which the model says",
        )
    height, width, channels = (int(size or 0) for size in shape)
    return (height, width, channels), notes


def _is_flat(begin: Sequence[Node], rest: Sequence[Node]) -> bool:
    """Whether a grey image without an axis for its one channel comes out the same with one."""
    reshaped = any(node.type == "Reshape" for node in begin)
    return reshaped or (bool(rest) and rest[0].type == "Flatten")


def _sizes(value: object) -> list[int | None]:
    """A shape as the configuration says it; nothing where it is none."""
    items = value if isinstance(value, list | tuple) else []
    plain = all(
        item is None or (isinstance(item, int) and not isinstance(item, bool) and item > 0)
        for item in items
    )
    return list(items) if plain else []


def _affine(node: Node, channels: int, store: Store) -> tuple[Numbers, Numbers] | None:
    """Factor and offset of each channel, float64 ``[C]``; None for a layer that does nothing."""
    if node.type == "Rescaling":
        scale = _numbers(node, "scale", node.config.get("scale", 1.0), channels)
        return scale, _numbers(node, "offset", node.config.get("offset", 0.0), channels)
    if node.type != "Normalization":
        return None
    if node.config.get("invert"):
        raise node.refusal("invert is True", expected="False")
    axis = node.config.get("axis", -1)
    if axis not in (-1, 3, None, [-1], [3], []):
        raise node.refusal(
            f"it normalises along axis {shown(axis)}",
            expected="-1, the channels, or None: one number for all",
        )
    mean, variance = node.config.get("mean"), node.config.get("variance")
    if mean is None or variance is None:
        single = axis in (None, [])
        shape: tuple[int, ...] = () if single else (channels,)
        mean, variance = store.arrays(node, [shape, shape], also=1)[:2]
    mean = _numbers(node, "mean", mean, channels)
    deviation = np.maximum(np.sqrt(_numbers(node, "variance", variance, channels)), _EPSILON)
    return 1 / deviation, -mean / deviation


def _numbers(node: Node, name: str, value: Any, channels: int) -> Numbers:
    """One number for each channel, of one for all or of a list."""
    if isinstance(value, Mapping):  # an array of NumPy's, or a tensor
        config = value.get("config")
        value = config.get("value") if isinstance(config, Mapping) else None
    try:
        found = np.asarray(value, dtype=np.float64)
        numbers = np.broadcast_to(found.reshape(-1) if found.size == channels else found, channels)
    except (TypeError, ValueError):
        numbers = np.full(channels, np.nan)
    if not np.isfinite(numbers).all() or (name == "variance" and (numbers < 0).any()):
        raise node.refusal(
            f"{name} is {shown(value)}", expected=f"a number, or {channels}: one a channel"
        )
    return numbers


def _range(
    begin: Sequence[Node], steps: Sequence[tuple[Numbers, Numbers] | None], scale: str | None
) -> tuple[str, str]:
    """The range of what the model takes, and how it is known."""
    if scale is not None:
        if scale not in SCALES:
            raise ConfigError(f"scale is {shown(scale)}", expected=f"one of {', '.join(SCALES)}")
        return scale, f"the model takes pixels scaled as --scale {scale} says"
    if begin[0].config.get("dtype") == "uint8":
        return "255", "its input is uint8: it takes pixels from 0 to 255"
    first = next((pair for pair in zip(begin, steps, strict=True) if pair[1] is not None), None)
    if first is not None and first[1] is not None:
        (node, (factor, offset)) = first[0], first[1]
        if node.type == "Rescaling" and (abs(factor) < _SMALL).all():
            return "255", f"'{node.name}' (Rescaling) shows that it takes pixels from 0 to 255"
        if node.type == "Normalization" and (-offset / factor > 1).any():
            return "255", f"'{node.name}' (Normalization) has a mean above 1: pixels from 0 to 255"
    raise ConfigError(
        "nothing in the model says which range of pixels it takes",
        where=begin[0].place,
        todo="add --scale 1 (pixels / 255, as most examples do), --scale 255 (as they are) or "
        "--scale minus-one-to-one (pixels / 127.5 - 1)",
    )
