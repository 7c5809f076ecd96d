"""Campaigns of several trainings: what has ended is left, what was cut off goes on."""

from __future__ import annotations

from pathlib import Path

from cnnlab.config import RunConfig
from cnnlab.errors import DivergedError, RunError
from cnnlab.files import is_file
from cnnlab.runs import Run, open_run
from cnnlab.runs.run import Record
from cnnlab.training.events import Watcher
from cnnlab.workflows.train import resume_and_evaluate, train_and_evaluate

__all__ = ["existing_run", "has_ended", "train_or_continue"]


def existing_run(config: RunConfig, runs: Path) -> Run | None:
    """The run of the configuration's name in the folder ``runs``; None where there is none.

    One that cannot be opened counts as none: who makes it learns that the name is taken.
    """
    path = runs / str(config.name)
    if not is_file(path / "config.yaml"):  # else it would be looked for below "runs", too
        return None
    try:
        return open_run(path)
    except RunError:
        return None


def has_ended(config: RunConfig, runs: Path) -> bool:
    """Whether the run of the configuration's name is there, and finished."""
    existing = existing_run(config, runs)
    return existing is not None and existing.status == "finished"


def train_or_continue(
    config: RunConfig, runs: Path, watch: Watcher, *, group: Record | None = None
) -> tuple[Run, str | None]:
    """Train, go on with, or leave a run; what it failed of stands beside it.

    ``group`` is written into a new run; see :func:`cnnlab.training.loop.train`.
    """
    existing = existing_run(config, runs)
    try:
        if existing is None:
            return train_and_evaluate(config, runs, watch, group=group).run, None
        return resume_and_evaluate(existing, watch).run, None
    except DivergedError as error:
        return open_run(runs / str(config.name)), str(error)
