"""A run's line in the list, read from no more of its files than the line needs.

A hundred runs of 60,000 images hold 40 MB of row numbers, which nobody wants to wait for. What
only the whole of a file would show, the run's own page says.
"""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from cnnlab.errors import RunError
from cnnlab.metrics import Interval, SeedSummary, summarize, wilson_interval
from cnnlab.page.index import data_id, run_id
from cnnlab.page.memory import Memory, state_of
from cnnlab.runs import Run, is_newer_schema
from cnnlab.workflows.tolerant import TolerantReader

__all__ = ["Group", "Line", "Listing"]

_FILES = (
    "config.yaml",
    "environment.json",
    "split.json",
    "metrics.jsonl",
    "result.json",
    "ledger.jsonl",
    "group.json",
    "summary.txt",
    "predictions/validation.npz",
)
#: The facts of a dataset stand first in split.json; a thousand long class names fit in here.
_HEAD_BYTES = 1 << 18
_MOST_YAML_BYTES = 1 << 20
_TOTAL = re.compile(r"^Total params: ([\d,]+)", re.MULTILINE)
#: The parser in C reads the same YAML a hundred times as fast; not every build has it.
_YAML: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Line:
    """One run of the list; None stands where nothing is known.

    Attributes
    ----------
    id: for addresses.
    status: "finished", "failed", "running", "unfinished" (cut off), "damaged", or "newer".
    dataset: its data's :func:`data_id`; None where split.json is damaged.
    epochs, planned: finished ones, and of how many at most in each stage.
    accuracy, interval, n: of the saved validation predictions; the interval is Wilson's, 95%.
    curve: the accuracy that was watched, epoch by epoch.
    usable: whether it has weights that can answer.
    """

    id: str
    name: str
    path: Path
    status: str
    problem: str | None
    created: datetime.datetime
    model: str | None
    data: str | None
    dataset: str | None
    epochs: int | None
    planned: int | None
    accuracy: float | None
    interval: Interval | None
    n: int | None
    seconds: float | None
    params: int | None
    group: str | None
    seed: int | None
    curve: tuple[float, ...]
    usable: bool


@dataclass(frozen=True)
class Group:
    """Runs that one command trained with several seeds, and their accuracies together."""

    name: str
    lines: tuple[Line, ...]
    summary: SeedSummary | None


class Listing:
    """Lines of runs, each read anew only when one of its files has changed."""

    def __init__(self) -> None:
        self._memory: Memory[Line | None] = Memory(5000)

    def lines(self, runs: Iterable[Run]) -> list[Line]:
        """The runs' lines, newest first; a run that is removed meanwhile has none."""
        found = [line for run in runs if (line := self.line(run)) is not None]
        return found[::-1]

    def line(self, run: Run) -> Line | None:
        """One run's line."""
        state = (run.in_use, *state_of(run.path / file for file in _FILES))
        return self._memory.get(run.path, state, lambda: _read(run))

    @staticmethod
    def groups(lines: Sequence[Line]) -> list[Group]:
        """The groups of seeds among the lines, two runs or more each."""
        members: dict[str, list[Line]] = {}
        for line in lines:
            if line.group is not None:
                members.setdefault(line.group, []).append(line)
        return [
            Group(name, tuple(some), _summary(some))
            for name, some in members.items()
            if len(some) > 1
        ]


def _summary(lines: Sequence[Line]) -> SeedSummary | None:
    values = [line.accuracy for line in lines if line.accuracy is not None]
    images = min((line.n for line in lines if line.n), default=None)
    return summarize(values, images=images) if values else None


def _read(run: Run) -> Line | None:
    reader = TolerantReader(run)
    try:
        created = run.created
    except RunError:  # removed while we were looking
        return None
    config = reader.read(lambda: _config(run), what="config.yaml") or {}
    data = reader.read(lambda: _dataset(run), what="split.json") or {}
    metrics = reader.read(lambda: run.metrics, what="metrics.jsonl")
    result = reader.read(lambda: run.result, what="result.json") or {}
    group = reader.read(lambda: run.group, what="group.json") or {}
    scored = reader.read(lambda: _accuracy(run), what="predictions/validation.npz")
    newer = is_newer_schema(config.get("schema_version"))
    status = reader.read(lambda: run.status, what="result.json")
    damaged = bool(reader.problems) or status is None
    fingerprint = data.get("fingerprint")
    accuracy, interval, n = scored or (None, None, None)
    return Line(
        id=run_id(run.name),
        name=run.name,
        path=run.path,
        status="newer" if newer else "damaged" if damaged else str(status),
        problem=_shortened(reader.problems[0], run) if reader.problems and not newer else None,
        created=created,
        model=_text_at(config, "model", "name"),
        data=None if "name" not in data else str(data["name"]),
        dataset=data_id(fingerprint) if isinstance(fingerprint, str) else None,
        epochs=None if metrics is None else len(metrics),
        planned=_whole_at(config, "training", "epochs"),
        accuracy=accuracy,
        interval=interval,
        n=n,
        seconds=result.get("train_seconds"),
        params=reader.read(lambda: _params(run), what="summary.txt"),
        group=_group_name(group),
        seed=_whole_at(config, "seed"),
        curve=_curve(metrics or []),
        usable=run.best_weights.is_file(),
    )


def _group_name(group: dict[str, Any]) -> str | None:
    """The trials of a sweep differ in more than their seeds: their mean would say nothing."""
    name = group.get("name")
    return name if isinstance(name, str) and "trial" not in group else None


def _shortened(problem: str, run: Run) -> str:
    """A problem without the folder of the run, whose name stands above it."""
    return problem.replace(f"{run.path}/", "")


def _config(run: Run) -> dict[str, Any]:
    path = run.path / "config.yaml"
    if path.stat().st_size > _MOST_YAML_BYTES:
        raise RunError("more than 1 MiB", where=path)
    try:
        found = yaml.load(path.read_text(encoding="utf-8"), Loader=_YAML)  # noqa: S506 - a safe one
    except (yaml.YAMLError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise RunError("damaged", where=path, todo="train the run again")
    return found


def _dataset(run: Run) -> dict[str, Any]:
    """What split.json says of the dataset, without reading the rows behind it."""
    path = run.path / "split.json"
    with path.open("rb") as stream:
        head = stream.read(_HEAD_BYTES).decode("utf-8", errors="replace")
        stream.seek(-min(8, path.stat().st_size), 2)
        ends = stream.read().rstrip().endswith(b"}")
    start = re.match(r'\s*\{\s*"dataset"\s*:\s*', head)
    if start is None or not ends:  # an older order of keys, or damage: the slow way tells
        return dict(run.split["dataset"])
    found = json.JSONDecoder().raw_decode(head, start.end())[0]
    if not isinstance(found, dict):
        raise RunError("damaged", where=path, todo="train the run again")
    return found


def _accuracy(run: Run) -> tuple[float, Interval, int] | None:
    predictions = run.predictions("validation")
    if predictions is None:
        return None
    n = len(predictions.labels)
    right = int((predictions.classes == predictions.labels).sum())
    return right / n, wilson_interval(right, n), n


def _params(run: Run) -> int | None:
    try:
        text = (run.path / "summary.txt").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    found = _TOTAL.search(text)
    return int(found[1].replace(",", "")) if found else None


def _curve(metrics: Sequence[dict[str, Any]]) -> tuple[float, ...]:
    watched = (
        line.get("validation_accuracy", line.get("inner_accuracy", line.get("train_accuracy")))
        for line in metrics
    )
    return tuple(float(value) for value in watched if value is not None)


def _at(config: dict[str, Any], *keys: str) -> Any:
    found: Any = config
    for key in keys:
        found = found.get(key) if isinstance(found, dict) else None
    return found


def _text_at(config: dict[str, Any], *keys: str) -> str | None:
    """A setting's text; of a user's own model file the name without folder and ending."""
    found = _at(config, *keys)
    return Path(found).stem if isinstance(found, str) else None


def _whole_at(config: dict[str, Any], *keys: str) -> int | None:
    found = _at(config, *keys)
    return found if isinstance(found, int) and not isinstance(found, bool) else None
