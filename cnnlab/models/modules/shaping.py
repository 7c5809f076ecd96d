"""Modules that only move or combine numbers."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from cnnlab.models.modules.activation import activate_own

__all__ = ["Chain", "Flatten", "Rescaling", "Residual", "over_channels"]


def over_channels(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Apply a function of the last axis to the channels of a map, or to features."""
    if x.ndim == 2:
        return function(x)
    return function(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class Chain(nn.Module):
    """Modules one after the other, by name."""

    def __init__(self, **modules: nn.Module) -> None:
        super().__init__()
        for name, module in modules.items():
            self.add_module(name, module)

    def forward(self, x: Tensor) -> Tensor:
        for module in self.children():
            x = module(x)
        return x


class Residual(nn.Module):
    """The sum of two branches, then an activation; an empty shortcut passes its input on."""

    def __init__(self, main: nn.Module, shortcut: nn.Module, *, activation: str) -> None:
        super().__init__()
        self.main, self.shortcut, self.activation = main, shortcut, activation

    def forward(self, x: Tensor) -> Tensor:
        return activate_own(self.main(x) + self.shortcut(x), self.activation)


class Flatten(nn.Module):
    """Maps to features, channels last."""

    def forward(self, x: Tensor) -> Tensor:
        return x if x.ndim == 2 else x.permute(0, 2, 3, 1).flatten(1)


class Rescaling(nn.Module):
    """``x * scale + offset``."""

    def __init__(self, scale: float, offset: float) -> None:
        super().__init__()
        self.scale, self.offset = scale, offset

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scale + self.offset
