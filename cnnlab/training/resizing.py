"""Progressive resizing: training images are small at first, and whole at the end."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn import functional

from cnnlab.config import ResizingConfig
from cnnlab.errors import ConfigError
from cnnlab.models import Architecture

__all__ = ["COST_EXPONENT", "Size", "SizeSchedule", "check_resizing", "shrink", "size_at_scale"]

#: Height and width in pixels.
Size = tuple[int, int]

#: A step costs its images' pixels to this power, where nothing was measured: 0.62 to 0.78 for
#: fastnet at three widths where products are fast (AMX), 0.83 to 1.03 where they take nearly all
#: the time (docs/results/log.md).
COST_EXPONENT = 0.72


def size_at_scale(full: Size, scale: float) -> Size:
    """``full`` made smaller, to whole pixels, at least one."""
    height, width = (max(round(side * scale), 1) for side in full)
    return height, width


class SizeSchedule:
    """How large the images are at each step of a stage of ``steps`` steps."""

    def __init__(self, parts: Sequence[ResizingConfig], *, full: Size, steps: int) -> None:
        self._full, self._steps = full, steps
        self._ends = [round(part.until * steps) for part in parts]
        self._sizes = [size_at_scale(full, part.scale) for part in parts]

    def at(self, step: int) -> Size:
        """Height and width at a step, the first one being 0."""
        for end, size in zip(self._ends, self._sizes, strict=True):
            if step < end:
                return size
        return self._full

    def shares(self) -> list[tuple[Size, float]]:
        """Every size that occurs, with its share of the steps."""
        ends = [*self._ends, self._steps]
        lengths = [end - begin for begin, end in zip([0, *ends], ends, strict=False)]
        return [
            (size, length / self._steps)
            for size, length in zip([*self._sizes, self._full], lengths, strict=True)
            if length
        ]

    def work(self, first: int, end: int, exponent: float = COST_EXPONENT) -> float:
        """What the steps from ``first`` up to ``end`` cost, in steps with whole images.

        A step costs its images' share of the whole ones' pixels to the power of ``exponent``.
        """
        total, begin = 0.0, first
        for until, (height, width) in zip(self._ends, self._sizes, strict=True):
            stop = min(max(until, begin), end)
            pixels = height * width / (self._full[0] * self._full[1])
            total += (stop - begin) * pixels**exponent
            begin = max(begin, stop)
        return total + max(end - begin, 0)


def shrink(images: torch.Tensor, size: Size) -> torch.Tensor:
    """Resample uint8 images ``[B, H, W, C]`` to ``size`` with an antialiased triangle filter."""
    if tuple(images.shape[1:3]) == size:
        return images
    # On the processor torch has a kernel for bytes that is ten times as fast as that for floats.
    planes = images.permute(0, 3, 1, 2)
    if images.device.type == "cpu":
        small = functional.interpolate(planes, size=size, mode="bilinear", antialias=True)
    else:
        exact = functional.interpolate(planes.float(), size=size, mode="bilinear", antialias=True)
        small = exact.round().clamp(0, 255).to(torch.uint8)
    return small.permute(0, 2, 3, 1).contiguous()


def check_resizing(architecture: Architecture, parts: Sequence[ResizingConfig]) -> None:
    """Refuse smaller images where a layer of the network takes one size only.

    Raises :class:`ConfigError` that names the layer.
    """
    if not parts:
        return
    network = architecture.build(torch.Generator().manual_seed(0)).eval()
    height, width, channels = architecture.input_shape
    for part in parts:
        small = size_at_scale((height, width), part.scale)
        values = torch.zeros(1, channels, *small)
        for name, layer in network.named_children():
            try:
                with torch.inference_mode():
                    values = layer(values)
            except RuntimeError:
                raise ConfigError(
                    f"the layer '{name}' of {architecture.name} cannot take images of "
                    f"{small[0]} x {small[1]}",
                    where="training.progressive_resizing",
                    expected="a larger scale, or a network that pools over the whole map before "
                    "its first Dense",
                ) from None
