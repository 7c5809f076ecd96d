"""What one run's page shows, each part for itself: what cannot be read is left out and named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cnnlab.errors import CnnlabError
from cnnlab.evaluation.curves import Diagnosis, diagnose
from cnnlab.evaluation.evaluate import Evaluation, SplitName
from cnnlab.evaluation.temperature import Calibrated
from cnnlab.models.summary import Summary
from cnnlab.page.answers import Mistake, mistakes
from cnnlab.page.charts import Curves, Plot, curve_plots, reliability_plot, resource_plots
from cnnlab.page.context import Context
from cnnlab.page.progress import Progress
from cnnlab.reports.wording import flattened
from cnnlab.runs import Run
from cnnlab.workflows.run_card import card_of
from cnnlab.workflows.tolerant import TolerantReader

__all__ = ["Live", "Scored", "live_of", "parts_of", "scored_of"]

#: Up to so many classes each cell of the matrix is written out, and can be reached by keyboard.
CELLS_UP_TO = 30


@dataclass(frozen=True)
class Live:
    """What changes while a run is trained."""

    progress: Progress | None
    curves: list[Plot]
    resources: list[Plot]


@dataclass(frozen=True, eq=False)
class Scored:
    """One split's evaluation, as the page draws it.

    Attributes
    ----------
    calibrated: what the temperature changes; None where there is none, or it cannot be read.
    filled: of a large matrix the cells that hold images: row, column, count, share of the row.
    """

    evaluation: Evaluation
    mistakes: list[Mistake]
    reliability: Plot
    calibrated: Calibrated | None
    filled: list[tuple[int, int, int, float]]

    @property
    def is_large(self) -> bool:
        """Whether the matrix is drawn and not written out."""
        return len(self.evaluation.class_names) > CELLS_UP_TO


def live_of(context: Context, run: Run, reader: TolerantReader) -> Live:
    """Progress, curves and load as they are just now."""
    progress = reader.read(lambda: context.progress.of(run), what="split.json or metrics.jsonl")
    metrics = reader.read(lambda: run.metrics, what="metrics.jsonl") or []
    samples = reader.read(lambda: run.resources, what="resources.jsonl") or []
    result = reader.read(lambda: run.result, what="result.json") or {}
    chosen = result.get("chosen_epoch")
    place = (chosen["stage"], chosen["epoch"]) if chosen else None
    planned = progress.planned if progress and progress.state == "running" else None
    curves = [Curves(run.name, metrics, place)]
    drawn = reader.read(lambda: curve_plots(curves, planned), what="metrics.jsonl")
    load = reader.read(lambda: resource_plots(samples), what="resources.jsonl")
    return Live(progress, drawn or [], load or [])


def scored_of(
    context: Context, run: Run, split: SplitName, reader: TolerantReader
) -> Scored | None:
    """What was predicted of a split, where it was; nothing is opened here."""
    evaluation = reader.read(
        lambda: context.answers.of(run, split), what=f"predictions/{split}.npz"
    )
    if evaluation is None:
        return None
    matrix = evaluation.scores.matrix
    support = matrix.sum(axis=1)
    filled = [
        (int(row), int(column), int(matrix[row, column]), matrix[row, column] / support[row])
        for row, column in zip(*matrix.nonzero(), strict=True)
    ]
    return Scored(
        evaluation,
        mistakes(evaluation),
        reliability_plot(evaluation.bins),
        reader.read(lambda: evaluation.calibrated, what="predictions/temperature.json"),
        filled if len(matrix) > CELLS_UP_TO else [],
    )


def parts_of(context: Context, run: Run, asked: SplitName | None) -> dict[str, Any]:
    """Everything on the page of a run.

    ``asked``: the split to show; None: validation, or test where the run has only that.
    """
    glance = card_of(run)
    card = glance.to_dict()
    split = asked or ("validation" if glance.has_validation or not card["test"] else "test")
    reader = TolerantReader(run)
    live = live_of(context, run, reader)
    scored = scored_of(context, run, split, reader)
    config = reader.read(lambda: run.config, what="config.yaml")
    parts: dict[str, Any] = {
        "split": split,
        "has_validation": glance.has_validation,
        "live": live,
        "scored": scored,
        "line": context.listing.line(run),
        "layers": reader.read(lambda: _layers(run), what="architecture.yaml"),
        "settings": _settings(config, card["changed_settings"]),
        "machine": reader.read(lambda: _machine(run), what="environment.json") or [],
        "diagnosis": reader.read(lambda: _diagnosis(run), what="metrics.jsonl"),
    }
    problems = list(dict.fromkeys([*card["problems"], *reader.problems]))
    report = (run.path / "report.html").is_file()
    return {**parts, "run": run, "card": card, "problems": problems, "report": report}


def _layers(run: Run) -> Summary:
    return run.architecture().summary()


def _settings(
    config: Mapping[str, Any] | None, changed: Mapping[str, Any] | None
) -> list[tuple[str, str, bool]]:
    """Each setting, its value, and whether it differs from the model's default."""
    return [(key, value, key in (changed or {})) for key, value in flattened(config or {})]


def _machine(run: Run) -> list[tuple[str, str]]:
    environment = run.environment
    return flattened({key: value for key, value in environment.items() if key != "created"})


def _diagnosis(run: Run) -> Diagnosis | None:
    try:
        return diagnose(run) if run.metrics else None
    except CnnlabError:  # said beside the part that cannot be read
        return None
