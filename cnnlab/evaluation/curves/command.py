"""The next run as a command: the run's own settings, and what is to change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cnnlab.runs import Run, command_line
from cnnlab.settings import dump_yaml

__all__ = ["next_command"]

#: Settings that have an option of their own.
_OPTIONS = {
    "model.name": "--model",
    "init.freeze": "--freeze",
    "optimizer.lr": "--lr",
    "training.epochs": "--epochs",
    "seed": "--seed",
}
_LONGEST = 80


def next_command(run: Run, name: str, settings: Mapping[str, Any]) -> str:
    """``cnnlab train --config RUN/config.yaml --name RUN-NAME`` and the settings that change.

    The new run stands beside the old one, so that the two can be compared; its name is free.
    """
    words = ["train", "--config", str(run.path / "config.yaml"), "--name", _free_name(run, name)]
    for key, value in settings.items():
        text = _text(value)
        words += [_OPTIONS[key], text] if key in _OPTIONS else ["--set", f"{key}={text}"]
    return command_line(*words, runs=run.path.parent)


def _text(value: object) -> str:
    """A value as YAML has it on one line."""
    return dump_yaml({"v": value}).partition(":")[2].strip()


def _free_name(run: Run, name: str) -> str:
    stem = f"{run.name[:_LONGEST]}-{name}"
    number, found = 1, stem
    while (run.path.parent / found).exists():
        number += 1
        found = f"{stem}-{number}"
    return found
