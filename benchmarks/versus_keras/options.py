"""The options of what trains the report's models, beside Keras or not."""

from __future__ import annotations

import argparse
from pathlib import Path

from harness.command import measurement_options

from cnnlab.models import report_figures
from versus_keras.jobs import Setting
from versus_keras.peer import add_peer

__all__ = ["models_options", "options", "settings_of"]


def options(
    description: str | None, *, models: str, train: int, epochs: int
) -> argparse.ArgumentParser:
    """A parser with the options that every comparison with Keras has, and their defaults."""
    parser = models_options(description, models=models, train=train, epochs=epochs)
    add_peer(parser)
    return parser


def models_options(
    description: str | None, *, models: str, train: int, epochs: int
) -> argparse.ArgumentParser:
    """A parser with the options behind :func:`settings_of`, and their defaults."""
    data, out = "what models B to F are trained on", Path("build/fidelity")
    parser = measurement_options(description, data=data, threads=1, out=out)
    add = parser.add_argument
    add("--models", default=models, help="letters of the report's models, names or YAML files")
    add("--train", type=int, default=train, help="images; the last fifth of each stage is held out")
    add("--validation", type=int, default=10_000, help="images of the final accuracy")
    add("--epochs", type=int, default=epochs, help="at most, a stage")
    add("--fashion", default="fashion-mnist", help="what model A is trained on")
    return parser


def settings_of(asked: argparse.Namespace) -> list[Setting]:
    """The experiments behind ``--models``."""
    figures = report_figures()["models"]
    settings = []
    for name in map(str.strip, asked.models.split(",")):
        model = f"model-{name}" if f"model-{name}" in figures else name
        fashion = figures.get(model, {}).get("dataset") == "fashion-mnist"
        settings.append(
            Setting(
                model=model,
                data=asked.fashion if fashion else asked.data,
                train=asked.train,
                validation=asked.validation,
                epochs=asked.epochs,
            )
        )
    return settings
