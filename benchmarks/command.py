"""What the commands of this folder share: their options, and how they end."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from fidelity_jobs import Setting
from workers import BACKENDS, KerasPeer

from cnnlab.errors import CnnlabError
from cnnlab.models import report_figures

__all__ = [
    "add_peer",
    "measurement_options",
    "models_options",
    "options",
    "peer_of",
    "run_command",
    "settings_of",
]


def measurement_options(
    description: str | None, *, data: str | None, threads: int, out: Path
) -> argparse.ArgumentParser:
    """A parser with what every measurement is asked, and the defaults.

    ``data`` is for the help; None where the images are not to be chosen.
    """
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    if data is not None:
        add("--data", default="cifar10-jpeg", help=data)
    add("--threads", type=int, default=threads, help="threads of each process")
    add("--out", type=Path, default=out, help="what is measured or trained goes here")
    return parser


def add_peer(parser: argparse.ArgumentParser) -> None:
    """Let Keras be named, for :func:`peer_of`."""
    add = parser.add_argument
    add("--keras-python", type=Path, default=Path(sys.executable), metavar="PYTHON")
    add("--backend", choices=BACKENDS, default="torch")


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


def peer_of(asked: argparse.Namespace) -> KerasPeer:
    """The Keras that ``--keras-python`` and ``--backend`` name."""
    return KerasPeer(asked.keras_python, asked.backend, asked.threads)


def run_command(name: str, work: Callable[[], None]) -> int:
    """Do ``work``; an error is one line on standard error. Returns the exit code."""
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so workers are stopped, too
    try:
        work()
    except CnnlabError as error:
        print(f"{name}: {error}", file=sys.stderr)
        return error.exit_code
    finally:
        signal.signal(signal.SIGTERM, before)
    return 0
