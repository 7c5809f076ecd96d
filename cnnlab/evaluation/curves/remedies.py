"""What the next run may change: settings that are valid for the run at hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from cnnlab.config import RunConfig
from cnnlab.evaluation.curves.case import Case
from cnnlab.optim import OPTIMIZERS

__all__ = ["Remedy", "larger_network", "less_regularisation", "longer", "rates", "regularise"]

#: Decoupled weight decay is multiplied by the rate: Adam's small rates want a larger one.
_DECAY = {"adam": 0.05, "adamax": 0.05}
_OTHER_DECAY = 5e-4

#: A shift by a sixteenth of the side is usual (2 of 32 pixels), a hole of a quarter of it.
_SHIFT_SHARE, _HOLE_SHARE = 1 / 16, 1 / 4

_PATIENCE = 3
_MOST_EPOCHS = 100_000
_MOST_STEPS = 1_000_000_000
_LEAST_SIDE = 8
_WIDEST = 2048


class Remedy(NamedTuple):
    """Settings by dotted key, and what they are in words."""

    advice: str
    settings: Mapping[str, Any]


def longer(config: RunConfig) -> Remedy:
    """Twice the epochs (and steps), without the time limit that might cut them off."""
    training = config.training
    settings: dict[str, Any] = {"training.epochs": min(2 * training.epochs, _MOST_EPOCHS)}
    if training.steps is not None:
        settings["training.steps"] = min(2 * training.steps, _MOST_STEPS)
    if training.time_limit_seconds is not None:
        settings["training.time_limit_seconds"] = None
    return Remedy("train twice as long", settings)


def rates(config: RunConfig, factor: float) -> Remedy:
    """Every learning rate of the optimizer times ``factor``."""
    optimizer = config.optimizer
    settings = {"optimizer.lr": _rounded(min(optimizer.lr * factor, 1000.0))}
    options = optimizer.options()
    for name in OPTIMIZERS.get(optimizer.name).rates:
        settings[f"optimizer.{name}"] = _rounded(min(float(options[name]) * factor, 1000.0))
    share = f"{factor:g} times" if factor > 1 else f"a {_NAMES[factor]} of"
    return Remedy(f"{share} the learning rate", settings)


_NAMES = {1 / 3: "third", 1 / 10: "tenth"}


def _rounded(rate: float) -> float:
    return float(f"{rate:.2g}")


def regularise(case: Case, *, best_epoch: int) -> Remedy:
    """The first of the usual means against overfitting that the run does not use yet."""
    config, training = case.config, case.config.training
    shift, hole = max(round(case.side * _SHIFT_SHARE), 1), max(round(case.side * _HOLE_SHARE), 2)
    decay = _DECAY.get(config.optimizer.name, _OTHER_DECAY)
    if training.augment.translate == 0:
        # Not mirrored: a mirrored digit is another one, and nothing here says what images show.
        settings: dict[str, Any] = {"training.augment.translate": shift}
        return Remedy(f"shift training images by up to {shift} pixels", settings)
    if config.optimizer.weight_decay == 0:
        return Remedy(f"weight decay of {decay:g}", {"optimizer.weight_decay": decay})
    if training.augment.cutout == 0:
        settings = {"training.augment.cutout": hole}
        return Remedy(f"cut squares of {hole} pixels out of training images", settings)
    if training.early_stopping is None:
        settings = {"training.early_stopping.patience": _PATIENCE, "training.watch_every": 1}
        return Remedy("stop once validation gets no better", settings)
    return Remedy("stop after the best epoch", {"training.epochs": max(best_epoch, 1)})


def less_regularisation(config: RunConfig) -> Remedy | None:
    """Without what makes training images harder; None where there is nothing of the kind."""
    augment, decay = config.training.augment, config.optimizer.weight_decay
    if augment.cutout:
        return Remedy("training images without holes", {"training.augment.cutout": 0})
    if augment.translate:
        return Remedy("training images where they are", {"training.augment.translate": 0})
    if decay > _DECAY.get(config.optimizer.name, _OTHER_DECAY):
        return Remedy("no weight decay", {"optimizer.weight_decay": 0.0})
    return None


def larger_network(case: Case) -> Remedy:
    """More layers that learn, wider ones, or another network; else more time."""
    config = case.config
    init, params = config.init, config.model.params
    if init is not None:
        if init.freeze != "none":
            return Remedy("let all layers learn", {"init.freeze": "none"})
        return longer(config)
    widths, width = params.get("widths"), params.get("width")
    if isinstance(widths, list) and max(widths) <= _WIDEST:
        return Remedy("twice the filters", {"model.params.widths": [2 * one for one in widths]})
    if isinstance(width, int) and width <= _WIDEST:
        return Remedy("twice the filters", {"model.params.width": 2 * width})
    if not params and case.side >= _LEAST_SIDE:
        return Remedy("a larger network", {"model.name": "resnet18"})
    return longer(config)
