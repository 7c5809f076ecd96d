"""Networks that are written in Python because a flat list of layers cannot say them.

A builder is a function in a file of its own::

    @BUILDERS.register("resnet18")
    def resnet18(input_shape: Shape, classes: int, *, width: int = 64) -> list[Layer]: ...

Its keyword-only arguments are the parameters that users may set, its defaults their defaults. A
file in the zoo with ``builder: resnet18`` makes it a model that users can name.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cnnlab.errors import ArchitectureError, UnknownNameError
from cnnlab.models.layers import Layer
from cnnlab.models.layers.arguments import Check, shown
from cnnlab.registry import Registry, suggestion

__all__ = ["BUILDERS", "Builder", "builder_params", "check_param"]

Builder = Callable[..., Sequence[Layer]]

BUILDERS: Registry[Builder] = Registry("builder")


def builder_params(name: str, given: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return every parameter of a builder: ``given`` laid on its defaults.

    Raises :class:`UnknownNameError` for a builder or a parameter that does not exist.
    """
    signature = inspect.signature(BUILDERS.get(name))
    defaults = {
        parameter.name: parameter.default
        for parameter in signature.parameters.values()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    }
    for key in given or {}:
        if key not in defaults:
            raise UnknownNameError(
                f"{name} has no parameter '{key}'", todo=suggestion(str(key), sorted(defaults))
            )
    return {**defaults, **(given or {})}


def check_param(name: str, value: object, check: Check[Any]) -> Any:
    """Return the checked value of a builder's parameter, or raise :class:`ArchitectureError`."""
    try:
        return check(value)
    except ValueError as error:
        raise ArchitectureError(
            f"{name} is {shown(value)}", where="params", expected=str(error)
        ) from None
