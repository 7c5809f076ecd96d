"""How a window slides over a map: output sizes and Keras's paddings."""

from __future__ import annotations

from cnnlab.errors import ArchitectureError
from cnnlab.models.layers.base import Shape, image_shape, shape_text

__all__ = ["Pair", "Sides", "same_padding", "slide"]

Pair = tuple[int, int]
#: ((top, bottom), (left, right))
Sides = tuple[Pair, Pair]


def slide(
    shape: Shape,
    window: Pair,
    strides: Pair,
    padding: str,
    *,
    dilation: Pair = (1, 1),
    called: str = "kernel",
) -> Pair:
    """Return the output's height and width; ``called`` names the window in the error."""
    height, width, _ = image_shape(shape)
    if padding == "same":
        return -(-height // strides[0]), -(-width // strides[1])
    reach = tuple((size - 1) * step + 1 for size, step in zip(window, dilation, strict=True))
    if reach[0] > height or reach[1] > width:
        raise ArchitectureError(
            f"{called} {shape_text(reach)} is larger than its input {shape_text(shape)} "
            "with padding valid",
            todo=f"write padding: same, a smaller {called}, or less pooling before it",
        )
    return (height - reach[0]) // strides[0] + 1, (width - reach[1]) // strides[1] + 1


def same_padding(
    shape: Shape, window: Pair, strides: Pair, dilation: Pair = (1, 1)
) -> tuple[Pair, Pair]:
    """Rows and columns of padding that "same" adds: ((top, bottom), (left, right)).

    As in Keras, the total depends on the stride, and an odd one puts the extra row at the bottom
    and the extra column at the right.
    """
    height, width = (
        _split(size, reach, stride, step)
        for size, reach, stride, step in zip(shape[:2], window, strides, dilation, strict=True)
    )
    return height, width


def _split(size: int, window: int, stride: int, dilation: int) -> Pair:
    outputs = -(-size // stride)
    total = max((outputs - 1) * stride + (window - 1) * dilation + 1 - size, 0)
    return total // 2, total - total // 2
