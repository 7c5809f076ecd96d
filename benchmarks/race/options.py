"""The options of time_to_accuracy.py, and a command that says them on another machine."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

from versus_keras.peer import BACKENDS

from race.conditions import speed_variables

__all__ = ["options", "portable_command"]


def options(description: str | None) -> argparse.ArgumentParser:
    """The parser; ``description`` is shown as it is."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--recipes", default="", help="names or YAML files, with commas between them")
    add("--set", action="append", default=[], metavar="KEY=VALUE", help="in every recipe")
    add("--airbench", type=Path, metavar="FILE.py", help="airbench94_muon.py")
    add(
        "--airbench-settings",
        nargs="+",
        default=[],
        metavar="KEY=VALUE,...",
        help="sizes: widths, epochs, batch, lr, head_lr, bias_lr, precision, layout, MALLOC_...",
    )
    add("--keras-epochs", type=int, default=0, help="one training of so many; none where 0")
    add("--keras-model", default="model-f")
    add("--keras-python", type=Path, default=Path(sys.executable), metavar="PYTHON")
    add("--backend", choices=BACKENDS, default="tensorflow")
    add("--data", default="cifar10-jpeg", help="known images, or a path")
    add("--train", type=int, help="only so many training images, on every side")
    add("--seeds", type=int, default=5, help="trainings of each recipe and each size")
    add("--first-seed", type=int, default=0)
    add("--threads", type=int, default=2, help="threads of each process")
    add("--out", type=Path, default=Path("build/time-to-accuracy"), help="records and runs")
    add("--report", type=Path, metavar="FILE.md", help="write this from the records; train nothing")
    return parser


def portable_command(asked: argparse.Namespace) -> str:
    """The command that gives these trainings, without the paths of this machine."""
    recipes = [Path(name).name for name in asked.recipes.split(",") if name]
    parts = ["python", "benchmarks/time_to_accuracy.py", "--data", Path(asked.data).name]
    parts += ["--recipes", ",".join(recipes)] if recipes else []
    for override in asked.set:
        parts += ["--set", override]
    if asked.airbench_settings:
        parts += ["--airbench", asked.airbench.name, "--airbench-settings"]
        parts += asked.airbench_settings
    if asked.keras_epochs:
        parts += ["--keras-epochs", str(asked.keras_epochs)]
        parts += ["--keras-model", Path(asked.keras_model).name]
        parts += ["--keras-python", "PYTHON", "--backend", asked.backend]
    parts += ["--train", str(asked.train)] if asked.train else []
    parts += ["--seeds", str(asked.seeds), "--first-seed", str(asked.first_seed)]
    parts += ["--threads", str(asked.threads), "--out", "OUT"]
    variables = [f"{name}={value}" for name, value in speed_variables().items()]
    return shlex.join([*variables, *parts])
