"""What a configuration is made of, and the configuration without it: one entry an ingredient."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cnnlab.config import RunConfig
from cnnlab.errors import ConfigError
from cnnlab.models import Architecture
from cnnlab.registry import Registry

__all__ = ["INGREDIENTS", "Ingredient", "Whole", "choose_ingredients"]

#: Into so many chunks the images are cut for sequential training, as the report did.
_CHUNKS = 4


@dataclass(frozen=True)
class Whole:
    """What ingredients are taken out of: a configuration, its network, its training images."""

    config: RunConfig
    architecture: Architecture
    images: int

    def layer_types(self) -> set[str]:
        """The types of the layers in the network's list; none where a builder makes it."""
        return {str(item.get("type")) for item in self.architecture.layers}


@dataclass(frozen=True)
class Ingredient:
    """Something that can be left out.

    Attributes
    ----------
    title: what stands in a table, "without ...".
    applies: whether a configuration has it.
    without: the settings that leave it out.
    """

    title: str
    applies: Callable[[Whole], bool]
    without: Callable[[Whole], Mapping[str, Any]]


#: Every ingredient by its name.
INGREDIENTS: Registry[Ingredient] = Registry("ingredient")


def choose_ingredients(whole: Whole, names: Sequence[str] | None = None) -> dict[str, Ingredient]:
    """The named ingredients, in that order; None: all that the configuration has.

    Raises :class:`UnknownNameError` for a name, :class:`ConfigError` for what is not in it.
    """
    there = [name for name in INGREDIENTS if INGREDIENTS.get(name).applies(whole)]
    for name in names or ():
        if not INGREDIENTS.get(name).applies(whole):
            raise ConfigError(
                f"there is no {name} in it to leave out",
                where="--without",
                expected=", ".join(there) or "another model or recipe",
            )
    if not there:
        raise ConfigError("nothing in it can be left out", where=whole.config.model.name)
    chosen = dict.fromkeys(there if names is None else names)
    return {name: INGREDIENTS.get(name) for name in chosen}


def _layers(name: str, title: str, *types: str, beside: Sequence[str] = ()) -> None:
    """An ingredient that is made of layers; where ``beside`` is given, only beside such layers."""

    def applies(whole: Whole) -> bool:
        there = whole.layer_types()
        return bool(there & set(types)) and (not beside or bool(there & set(beside)))

    def without(whole: Whole) -> Mapping[str, Any]:
        found = [one for one in types if one in whole.layer_types()]
        return {"model": {"without": [*whole.config.model.without, *found]}}

    INGREDIENTS.add(name, Ingredient(title, applies, without))


def _training(name: str, title: str, key: str, value: Any) -> None:
    """An ingredient that is a setting of ``training`` with a value that means none."""

    def applies(whole: Whole) -> bool:
        return bool(getattr(whole.config.training, key) != value)

    INGREDIENTS.add(name, Ingredient(title, applies, lambda _: {"training": {key: value}}))


def _augment(name: str, title: str, value: Any) -> None:
    """A part of the augmentation."""

    def applies(whole: Whole) -> bool:
        return bool(getattr(whole.config.training.augment, name) != value)

    settings = {"training": {"augment": {name: value}}}
    INGREDIENTS.add(name, Ingredient(title, applies, lambda _: settings))


def _other_optimizer(old: str, title: str, new: Callable[[Whole], Mapping[str, Any]]) -> None:
    """Another optimizer in the place of one."""

    def without(whole: Whole) -> Mapping[str, Any]:
        decay = whole.config.optimizer.weight_decay
        return {"optimizer": {"weight_decay": decay, **new(whole)}}

    def applies(whole: Whole) -> bool:
        return whole.config.optimizer.name == old

    INGREDIENTS.add(old, Ingredient(title, applies, without))


def _adam(whole: Whole) -> Mapping[str, Any]:
    return {"name": "adam", "lr": whole.config.optimizer.lr}


def _sgd(whole: Whole) -> Mapping[str, Any]:
    # What Muon itself does with everything but kernels, at the rate of the head.
    return {"name": "sgd", "lr": whole.config.optimizer.options()["head_lr"]}


def _in_chunks(whole: Whole) -> Mapping[str, Any]:
    size = max(whole.images // _CHUNKS, 1)
    return {"training": {"mode": "sequential", "stage_size": size, "stages": _CHUNKS}}


def _has_whitening(whole: Whole) -> bool:
    return whole.architecture.params.get("whitening") is True


_layers("batchnorm", "without batch normalisation", "BatchNormalization")
_layers("dropout", "without any dropout", "Dropout", "SpatialDropout2D")
_layers("spatial-dropout", "without spatial dropout", "SpatialDropout2D", beside=("Dropout",))
_augment("flip", "without mirrored images", "none")
_augment("translate", "without shifted images", 0)
_augment("cutout", "without cutout", 0)
_training("label-smoothing", "without label smoothing", "label_smoothing", 0.0)
_training("resizing", "without progressive resizing", "progressive_resizing", [])
_training("ema", "without weight averaging", "ema", None)
_other_optimizer("adamax", "Adam instead of Adamax", _adam)
_other_optimizer("muon", "SGD instead of Muon", _sgd)
INGREDIENTS.add(
    "decay",
    Ingredient(
        "without weight decay",
        lambda whole: whole.config.optimizer.weight_decay > 0,
        lambda _: {"optimizer": {"weight_decay": 0.0}},
    ),
)
INGREDIENTS.add(
    "schedule",
    Ingredient(
        "at a constant learning rate",
        lambda whole: whole.config.schedule.name != "constant",
        lambda _: {"schedule": {"name": "constant"}},
    ),
)
INGREDIENTS.add(
    "full-data",
    Ingredient(
        f"in {_CHUNKS} chunks, one after the other",
        lambda whole: whole.config.training.mode == "full" and whole.config.training.steps is None,
        _in_chunks,
    ),
)
INGREDIENTS.add(
    "whitening",
    Ingredient(
        "with a first layer that is learnt, not whitening",
        _has_whitening,
        lambda _: {"model": {"params": {"whitening": False}}},
    ),
)
INGREDIENTS.add(
    "mirror",
    Ingredient(
        "without the mirror image in answers",
        lambda whole: whole.config.mirror,
        lambda _: {"mirror": False},
    ),
)
