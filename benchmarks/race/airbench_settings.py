"""How large cifar10-airbench's recipe is to be trained: ``widths=32-64-128,epochs=1,batch=500``."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from cnnlab.errors import ConfigError

__all__ = ["AirbenchSettings", "parse_settings"]

Precision = Literal["fp32", "bf16"]
Layout = Literal["channels_last", "contiguous"]
_ENVIRONMENT = "MALLOC_"


@dataclass(frozen=True)
class AirbenchSettings:
    """What may differ from the script; None leaves the script's own value.

    Attributes
    ----------
    widths: filters of its three blocks.
    epochs: passes over the training images, a fraction of one too.
    batch: images a step.
    lr, head_lr, bias_lr: peak rates of Muon, of the head and of the biases.
    precision: bf16 computes training's forward pass in bf16 where torch's autocast does, and keeps
        the images in it, as the script keeps them in half precision; weights stay in fp32.
    layout: of the network's kernels in memory; the script's is channels_last.
    environment: variables of glibc's malloc for this process, as (name, value).
    """

    widths: tuple[int, ...] | None = None
    epochs: float | None = None
    batch: int | None = None
    lr: float | None = None
    head_lr: float | None = None
    bias_lr: float | None = None
    precision: Precision = "fp32"
    layout: Layout = "channels_last"
    environment: tuple[tuple[str, str], ...] = ()

    @property
    def text(self) -> str:
        """What :func:`parse_settings` reads as these settings again."""
        parts = [
            f"{field.name}={_text(getattr(self, field.name))}"
            for field in fields(self)
            if field.name != "environment" and getattr(self, field.name) != field.default
        ]
        return ",".join([*parts, *(f"{name}={value}" for name, value in self.environment)])

    @property
    def label(self) -> str:
        """What tables and files call it."""
        return self.text or "as it is"


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        return "-".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def _widths(text: str) -> tuple[int, ...]:
    widths = tuple(map(int, text.split("-")))
    if len(widths) != 3:
        raise ValueError(text)
    return widths


def _one_of(*allowed: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in allowed:
            raise ValueError(text)
        return text

    return read


_READERS: Mapping[str, tuple[Callable[[str], Any], str]] = {
    "widths": (_widths, "three numbers such as 32-64-128"),
    "epochs": (float, "a number"),
    "batch": (int, "a whole number"),
    "lr": (float, "a number"),
    "head_lr": (float, "a number"),
    "bias_lr": (float, "a number"),
    "precision": (_one_of(*get_args(Precision)), "fp32 or bf16"),
    "layout": (_one_of(*get_args(Layout)), "channels_last or contiguous"),
}


def parse_settings(text: str) -> AirbenchSettings:
    """Read what ``--airbench-settings`` takes; :class:`ConfigError` names the part it is about."""
    found: dict[str, Any] = {}
    environment = []
    for part in filter(None, map(str.strip, text.split(","))):
        key, _, value = part.partition("=")
        if key.startswith(_ENVIRONMENT):
            environment.append((key, value))
            continue
        if key not in _READERS:
            known = ", ".join([*_READERS, f"{_ENVIRONMENT}..."])
            raise ConfigError(f"no setting '{key}'", where="--airbench-settings", expected=known)
        read, expected = _READERS[key]
        try:
            found[key] = read(value)
        except ValueError:
            where = f"--airbench-settings, {key}"
            raise ConfigError(f"'{value}'", where=where, expected=expected) from None
        if not _positive(found[key]):
            where = f"--airbench-settings, {key}"
            raise ConfigError(f"'{value}'", where=where, expected="more than 0")
    return AirbenchSettings(**found, environment=tuple(sorted(environment)))


def _positive(value: float | tuple[int, ...] | str) -> bool:
    if isinstance(value, str):
        return True
    least = min(value) if isinstance(value, tuple) else value
    return math.isfinite(least) and least > 0
