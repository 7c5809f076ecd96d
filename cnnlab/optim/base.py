"""What optimizers share: the registry, and a step over groups of parameters."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from inspect import unwrap
from typing import Any

import torch
from torch import Tensor, nn

from cnnlab.errors import ConfigError
from cnnlab.options import Number, Option, Value, fill_options
from cnnlab.registry import Registry

__all__ = [
    "OPTIMIZERS",
    "GroupOptimizer",
    "OptimizerEntry",
    "QuickToStart",
    "alike",
    "forget_traces",
    "make_optimizer",
    "optimizer_options",
]

Group = dict[str, Any]
#: Makes an optimizer of named parameters, learning rate, weight decay and options.
Build = Callable[
    [Sequence[tuple[str, nn.Parameter]], float, float, Mapping[str, Value]], torch.optim.Optimizer
]

_LR = Number(1e-3, low=0, high=1000, open_low=True)
_WEIGHT_DECAY = Number(0.0)


@dataclass(frozen=True)
class OptimizerEntry:
    """How an optimizer is made and what it may be told.

    ``build(named_parameters, lr, weight_decay, options)`` gets trainable parameters only and every
    option; ``description`` is one line for people. ``rates`` names the options that are learning
    rates of some of the parameters, beside ``lr``. A good ``lr`` is looked for in ``search``.
    """

    description: str
    build: Build
    options: Mapping[str, Option[Value]] = field(default_factory=dict)
    rates: tuple[str, ...] = ()
    search: tuple[float, float] = (1e-6, 10.0)


def alike(optimizer: Callable[..., torch.optim.Optimizer]) -> Build:
    """How to build an optimizer to which all parameters are alike; options are its arguments."""

    def build(
        named: Sequence[tuple[str, nn.Parameter]],
        lr: float,
        weight_decay: float,
        options: Mapping[str, Value],
    ) -> torch.optim.Optimizer:
        params = [parameter for _, parameter in named]
        return optimizer(params, lr=lr, weight_decay=weight_decay, **options)

    return build


OPTIMIZERS: Registry[OptimizerEntry] = Registry("optimizer")


def optimizer_options(name: str, given: Mapping[str, Any] | None = None) -> dict[str, Value]:
    """Return every option of an optimizer: ``given``, checked, laid on its defaults.

    Raises :class:`UnknownNameError` for an unknown optimizer or option, and :class:`ConfigError`
    for a value out of its range.
    """
    return fill_options(name, OPTIMIZERS.get(name).options, given)


def make_optimizer(
    name: str,
    named_parameters: Iterable[tuple[str, nn.Parameter]],
    *,
    lr: float,
    weight_decay: float = 0.0,
    precision: str = "fp32",
    **options: Any,
) -> torch.optim.Optimizer:
    """Make an optimizer over the parameters that need gradients.

    ``precision``, the training's, is what an update that multiplies matrices does so in; weights
    and state are fp32 all the same.

    ``weight_decay`` is decoupled in every optimizer: before each step a parameter, biases and
    gammas too, is multiplied by ``1 - lr * weight_decay``. Every group keeps its ``initial_lr``, so
    that a schedule sets ``group["lr"] = group["initial_lr"] * factor``. The state consists of
    tensors and the groups of plain numbers.

    Raises as :func:`optimizer_options`, and :class:`ConfigError` where nothing is trainable.
    """
    filled = optimizer_options(name, options)
    rate = float(_LR.check(lr, where=f"{name}, lr"))
    decay = float(_WEIGHT_DECAY.check(weight_decay, where=f"{name}, weight_decay"))
    trainable = [(key, value) for key, value in named_parameters if value.requires_grad]
    if not trainable:
        raise ConfigError("the network has no trainable parameter", where=name)
    optimizer = OPTIMIZERS.get(name).build(trainable, rate, decay, filled)
    for group in optimizer.param_groups:
        group["initial_lr"] = group["lr"]
        group["precision"] = precision
    return optimizer


#: Smaller than any moment that a step could feel, and far above 1.2e-38, where numbers turn slow.
_TRACE = 1e-30


@torch.no_grad()
def forget_traces(optimizer: torch.optim.Optimizer) -> None:
    """Set to zero what the state still holds of gradients long past, below 1e-30 in size.

    Moments of weights that no longer learn fade, by a tenth a step, to denormal numbers and never
    to zero; a processor takes a hundred times as long for each of those. Called every 32 steps it
    forgets them before they get there, where a moment keeps at least 0.6 of itself a step. To flush
    such numbers in the processor's own mode would do the same only for threads that begin later.
    """
    for state in optimizer.state.values():
        for value in state.values():
            if isinstance(value, Tensor) and value.ndim:
                value.masked_fill_(value.abs() < _TRACE, 0)


class QuickToStart(torch.optim.Optimizer):
    """torch's optimizer without its guards against being compiled.

    The first call of a guarded method imports torch's compiler, some 800 modules: more than a
    second before the first step of every training. Nothing here is compiled through an optimizer.
    """

    add_param_group = unwrap(torch.optim.Optimizer.add_param_group)
    load_state_dict = unwrap(torch.optim.Optimizer.load_state_dict)
    state_dict = unwrap(torch.optim.Optimizer.state_dict)
    zero_grad = unwrap(torch.optim.Optimizer.zero_grad)


class GroupOptimizer(QuickToStart):
    """Steps over groups with decoupled weight decay; a subclass says what one update is."""

    def __init__(
        self, params: Iterable[nn.Parameter] | Iterable[Group], defaults: Mapping[str, Any]
    ) -> None:
        super().__init__(params, {"weight_decay": 0.0, "steps": 0, **defaults})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter that has a gradient; return the closure's loss, if any."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            params = [param for param in group["params"] if param.grad is not None]
            if not params:
                continue
            group["steps"] += 1
            if group["weight_decay"]:
                torch._foreach_mul_(params, 1 - group["lr"] * group["weight_decay"])
            self.update(group, params, [param.grad for param in params])
        return loss

    @abstractmethod
    def update(self, group: Group, params: list[Tensor], grads: list[Tensor]) -> None:
        """Change ``params`` in place; ``group["steps"]`` counts from 1 and includes this step."""

    def buffers(self, params: list[Tensor], name: str) -> list[Tensor]:
        """Return one state tensor a parameter, zeros at first."""
        for param in params:
            if name not in self.state[param]:
                self.state[param][name] = torch.zeros_like(param)
        return [self.state[param][name] for param in params]
