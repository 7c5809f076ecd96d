"""Every combination of some settings, each trained once or with several seeds."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from cnnlab.config import RunConfig
from cnnlab.errors import ConfigError
from cnnlab.settings import split_values
from cnnlab.tables import ShownAsText, text_table
from cnnlab.training.events import Watcher, unwatched
from cnnlab.workflows.executors import Executor, InProcess, Job
from cnnlab.workflows.many import train_all
from cnnlab.workflows.seeds import SeedsTrained, compare_command, group_jobs, group_name

__all__ = ["Axis", "GridTrained", "divide_overrides", "train_grid"]

_MOST = 1000


@dataclass(frozen=True)
class Axis:
    """A setting and its values, each as ``--set`` takes it: ``optimizer.lr``, ("0.1", "0.2")."""

    key: str
    values: tuple[str, ...]


def divide_overrides(overrides: Sequence[str]) -> tuple[list[str], list[Axis]]:
    """Divide ``--set`` texts into those of one value and those of several.

    A comma outside of brackets and quotes divides values; :class:`ConfigError` where one of them
    is empty or stands twice, or there are too many combinations.
    """
    plain: list[str] = []
    axes: dict[str, Axis] = {}
    keys = [text.partition("=")[0].strip() for text in overrides]
    for key, text in zip(keys, overrides, strict=True):
        parts = split_values(text)
        if len(parts) == 1:
            plain.append(text)
            continue
        values = tuple(part.partition("=")[2] for part in parts)
        if not all(values) or len(set(values)) < len(values) or keys.count(key) > 1:
            raise ConfigError(
                f"'{text}' is no list of values",
                where="--set",
                expected="different values, the key once, e.g. optimizer.lr=0.1,0.01",
                todo=f"a text with a comma in it is written in quotes: --set '{key}=\"a,b\"'",
            )
        axes[key] = Axis(key, values)
    count = 1
    for axis in axes.values():
        count *= len(axis.values)
    if count > _MOST:
        raise ConfigError(f"{count:,} combinations", where="--set", expected=f"at most {_MOST:,}")
    return plain, list(axes.values())


@dataclass(frozen=True, eq=False)
class GridTrained(ShownAsText):
    """What a grid gave: the values of each cell beside its runs."""

    axes: list[Axis]
    cells: list[tuple[dict[str, str], SeedsTrained]]

    @property
    def failed(self) -> list[str]:
        """What became of trainings whose loss diverged, in words."""
        return [line for _, trained in self.cells for line in trained.failed]

    @property
    def runs(self) -> list[Any]:
        """Every run directory."""
        return [run for _, trained in self.cells for run in trained.runs]

    def to_dict(self) -> dict[str, Any]:
        """What ``cnnlab train --set key=a,b --json`` prints."""
        return {
            "grid": {axis.key: list(axis.values) for axis in self.axes},
            "cells": [{"settings": values, **trained.to_dict()} for values, trained in self.cells],
        }

    def to_text(self) -> str:
        """What ``cnnlab train --set key=a,b`` prints."""
        header = [*(axis.key for axis in self.axes), "runs", "validation accuracy", "sd", "name"]
        rows = []
        for values, trained in self.cells:
            found = trained.summary
            mean, deviation = (None, None) if found is None else (found.mean, found.deviation)
            rows.append([*values.values(), len(trained.runs), mean, deviation, trained.group])
        said = [text_table(header, rows), "", *self.failed, _next(self.cells)]
        return "\n".join(said)


def _next(cells: Sequence[tuple[dict[str, str], SeedsTrained]]) -> str:
    """The best cell against the one after it."""
    known = [trained for _, trained in cells if trained.summary is not None]
    if len(known) < 2:
        return ""
    best = sorted(known, key=lambda one: -(one.summary.mean if one.summary else 0.0))[:2]
    return "next: " + compare_command([one.group for one in best], best[0].runs)


def train_grid(
    configured: Callable[[Sequence[str]], RunConfig],
    axes: Sequence[Axis],
    seeds: Sequence[int] | None = None,
    runs: Path = Path("runs"),
    watch: Watcher = unwatched,
    *,
    planned: Callable[[Sequence[str]], RunConfig] | None = None,
    vary_split: bool = False,
    executor: Executor | None = None,
) -> GridTrained:
    """Train every combination of the axes' values, each with every seed.

    Parameters
    ----------
    configured: gives the configuration that further ``--set`` texts make of the asked one.
    seeds: None: each combination once, with the configuration's own.
    planned: as ``configured``, where it has to be measured first (a time limit); called for what
        has no run yet.

    All configurations are checked before anything is trained. What has ended is left, what was cut
    off goes on; see :func:`cnnlab.workflows.seeds.train_seeds`, which this is for each cell.
    """
    values = [dict(zip((a.key for a in axes), row, strict=True)) for row in
              product(*(axis.values for axis in axes))]  # fmt: skip
    wanted = [configured(_texts(cell)) for cell in values]
    grid, names = group_name(wanted[0]), _names(wanted, values)
    named = [one.updated(name=name) for one, name in zip(wanted, names, strict=True)]
    groups: list[list[Job]] = []
    for one, cell in zip(named, values, strict=True):
        plan = None if planned is None else _later(planned, _texts(cell))
        groups.append(group_jobs(one, seeds, runs, plan=plan, vary_split=vary_split, grid=grid))
    trained, failed = train_all(
        [job for jobs in groups for job in jobs], executor or InProcess(watch), watch
    )
    cells, rest = [], iter(trained)
    for name, cell, jobs in zip(names, values, groups, strict=True):
        of_group = {f"{job.name}:" for job in jobs}
        some = [next(rest) for _ in jobs]
        said = [line for line in failed if line.split(" ", 1)[0] in of_group]
        cells.append((cell, SeedsTrained(name, [job.config.seed for job in jobs], some, said)))
    return GridTrained(list(axes), cells)


def _later(planned: Callable[[Sequence[str]], RunConfig], texts: Sequence[str]) -> Any:
    return lambda: planned(texts)


def _texts(cell: Mapping[str, str]) -> list[str]:
    return [f"{key}={value}" for key, value in cell.items()]


def _names(wanted: Sequence[RunConfig], values: Sequence[Mapping[str, str]]) -> list[str]:
    """The stem and each value, e.g. "f-lr0.01-dropout0.5"; numbers where that is not unique."""
    names = []
    for config, cell in zip(wanted, values, strict=True):
        marks = (f"{key.rsplit('.', 1)[-1]}{value}" for key, value in cell.items())
        slug = "-".join(re.sub(r"[^\w.+-]+", "-", mark).strip("-") for mark in marks)
        names.append(f"{group_name(config)}-{slug}")
    if len(set(names)) < len(names) or max(map(len, names)) > 80:
        return [f"{group_name(config)}-{n}" for n, config in enumerate(wanted, start=1)]
    return names
