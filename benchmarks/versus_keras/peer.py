"""Keras, in a Python of its own."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.workers import Work, start

__all__ = ["BACKENDS", "KerasPeer", "add_peer", "peer_of"]

BACKENDS = ("tensorflow", "torch")


@dataclass(frozen=True)
class KerasPeer:
    """A Python that has Keras and one of its backends."""

    python: Path
    backend: str
    threads: int = 1

    def start(self, job: Mapping[str, Any], folder: Path, name: str) -> Work:
        """Give ``keras_worker.py`` a job."""
        environment = {
            "KERAS_BACKEND": self.backend,
            "KERAS_HOME": str(folder.absolute() / "keras"),
            "TF_CPP_MIN_LOG_LEVEL": "2",
            "OMP_NUM_THREADS": str(self.threads),
        }
        asked = {**job, "threads": self.threads}
        return start(
            "keras_worker.py", asked, folder, name, python=self.python, environment=environment
        )


def add_peer(parser: argparse.ArgumentParser) -> None:
    """Let Keras be named, for :func:`peer_of`."""
    add = parser.add_argument
    add("--keras-python", type=Path, default=Path(sys.executable), metavar="PYTHON")
    add("--backend", choices=BACKENDS, default="torch")


def peer_of(asked: argparse.Namespace) -> KerasPeer:
    """The Keras that ``--keras-python`` and ``--backend`` name."""
    return KerasPeer(asked.keras_python, asked.backend, asked.threads)
