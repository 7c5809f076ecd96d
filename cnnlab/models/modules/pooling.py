"""Pooling over windows and over the whole map."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from cnnlab.models.modules.padding import Pair, Sides, split_padding

__all__ = ["AvgPool2d", "GlobalPool", "MaxPool2d"]


class MaxPool2d(nn.Module):
    """Max pooling with Keras's paddings."""

    def __init__(self, window: Pair, strides: Pair, sides: Sides) -> None:
        super().__init__()
        self.window, self.strides = window, strides
        self.padding, self.explicit_padding = split_padding(sides)

    def forward(self, x: Tensor) -> Tensor:
        if self.explicit_padding is not None:
            x = functional.pad(x, self.explicit_padding, value=float("-inf"))
        return functional.max_pool2d(x, self.window, self.strides, self.padding)


class AvgPool2d(nn.Module):
    """Average pooling in which only real pixels count."""

    shares: Tensor | None

    def __init__(self, size: Sequence[int], window: Pair, strides: Pair, sides: Sides) -> None:
        super().__init__()
        self.window, self.strides = window, strides
        self.padding, self.explicit_padding = split_padding(sides)
        shares = None
        if self.explicit_padding is not None:
            # Not the counts: ONNX's average pooling knows no divisor but the window's size.
            ones = functional.pad(torch.ones(1, 1, *size), self.explicit_padding)
            shares = functional.avg_pool2d(ones, window, strides)
        self.register_buffer("shares", shares, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        if self.explicit_padding is None or self.shares is None:
            return functional.avg_pool2d(
                x, self.window, self.strides, self.padding, count_include_pad=False
            )
        x = functional.pad(x, self.explicit_padding)
        return functional.avg_pool2d(x, self.window, self.strides) / self.shares


class GlobalPool(nn.Module):
    """The mean or the maximum over the map."""

    def __init__(self, kind: str, *, keepdims: bool) -> None:
        super().__init__()
        self.kind, self.keepdims = kind, keepdims

    def forward(self, x: Tensor) -> Tensor:
        if self.kind == "mean":
            return x.mean((2, 3), keepdim=self.keepdims)
        if self.training and torch.compiler.is_compiling():
            # The gradient of amax goes to the values that equal the maximum. Compiled kernels
            # compute them again, in another precision, and may find none: 0/0. A pooling window
            # as large as the map remembers where the maximum was.
            found = functional.max_pool2d(x, (x.shape[2], x.shape[3]))
            return found if self.keepdims else found.flatten(1)
        return x.amax((2, 3), keepdim=self.keepdims)
