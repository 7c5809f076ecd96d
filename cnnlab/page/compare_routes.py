"""Runs side by side: the verdict, the table, curves over each other, where they disagree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.exceptions import HTTPException
from starlette.responses import Response

from cnnlab.errors import CnnlabError
from cnnlab.evaluation.compare import Comparison, Disagreement, compare
from cnnlab.page.charts import Curves, Plot, curve_plots, interval_plot
from cnnlab.page.context import Context
from cnnlab.page.index import run_id
from cnnlab.page.pictures import dataset_id
from cnnlab.reports.wording import setting_text
from cnnlab.runs import Run

__all__ = ["compare_router"]

#: Runs at once; each pair of them has a verdict.
_MOST_RUNS = 12
_MOST_IMAGES = 12
#: Settings that no two runs share, or that move no weight.
_NOT_TOLD = frozenset({"name", "training.checkpoint_every_seconds"})


def compare_router(context: Context) -> APIRouter:
    """The route of the comparison."""
    router = APIRouter()

    @router.get("/compare")
    def comparison(run: Annotated[list[str] | None, Query()] = None) -> Response:
        keys = list(dict.fromkeys(run or []))
        if not 2 <= len(keys) <= _MOST_RUNS:
            raise HTTPException(422, f"tick two to {_MOST_RUNS} runs to compare them")
        runs = [context.run(key) for key in keys]
        found = compare(runs)
        return context.page(
            "compare.html",
            place="runs",
            runs=runs,
            ids=[run_id(run.name) for run in runs],
            found=found,
            intervals=_intervals(found),
            curves=curve_plots([Curves(run.name, run.metrics) for run in runs]),
            settings=_differing(runs),
            disagreement=_disagreement(context, found, runs),
        )

    return router


def _intervals(found: Comparison) -> Plot | None:
    rows = [
        (row.run, row.validation_accuracy, row.validation_interval)
        for row in found.rows
        if row.validation_accuracy is not None and row.validation_interval is not None
    ]
    return interval_plot(rows, found.split) if rows else None


def _differing(runs: Sequence[Run]) -> list[tuple[str, list[str]]]:
    """The settings in which they differ, with each one's value."""
    flat = [_flat(run.settings) for run in runs]
    keys = dict.fromkeys(key for settings in flat for key in settings)
    rows = [(key, [settings.get(key, "-") for settings in flat]) for key in keys]
    return [(key, said) for key, said in rows if key not in _NOT_TOLD and len(set(said)) > 1]


def _flat(settings: dict[str, Any], prefix: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in settings.items():
        if isinstance(value, dict) and value:
            found |= _flat(value, f"{prefix}{key}.")
        else:
            found[f"{prefix}{key}"] = setting_text(value)
    return found


def _disagreement(
    context: Context, found: Comparison, runs: Sequence[Run]
) -> dict[str, Any] | None:
    """Of two runs, the images that only one of them gets right."""
    if len(runs) != 2 or len(found.pairs) != 1 or found.pairs[0].disagreement is None:
        return None
    told: Disagreement = found.pairs[0].disagreement
    worst = sorted(told.by_class, key=lambda one: -(one.only_a + one.only_b))[:10]
    return {
        "told": told,
        "worst": [one for one in worst if one.only_a or one.only_b],
        "data": dataset_id(runs[0]),
        "images": _has_images(context, runs[0]),
        "most": _MOST_IMAGES,
    }


def _has_images(context: Context, run: Run) -> bool:
    try:
        context.images.of(run)
    except CnnlabError:
        return False
    return True
