"""What has to be known to read the verdicts of a comparison."""

from __future__ import annotations

from collections.abc import Sequence

from cnnlab.evaluation.compare.recipes import Recipe, RecipeComparison
from cnnlab.evaluation.compare.verdicts import Result
from cnnlab.evaluation.evaluate import SplitName
from cnnlab.metrics import PairedComparison
from cnnlab.runs import Run

__all__ = ["notes_of"]

#: Below so many trainings a standard deviation is a rough guess.
_FEW_SEEDS = 5


def notes_of(
    runs: Sequence[Run], recipes: Sequence[Recipe], results: Sequence[Result], split: SplitName
) -> list[str]:
    """A line each; none where nothing is to be said."""
    return [
        *_of_seeds(recipes, results),
        *_of_intervals(results),
        *(_of_test(runs) if split == "test" else []),
    ]


def _of_seeds(recipes: Sequence[Recipe], results: Sequence[Result]) -> list[str]:
    if len(recipes) == 1:
        return [
            f"all are {recipes[0].label} with other seeds: what lies between them is the chance "
            "of training"
        ]
    found = []
    if any(isinstance(result, PairedComparison) for result in results):
        found.append(
            "one training each: these networks are compared, not their recipes, for how much "
            "another seed would change them is unknown; cnnlab train --seeds 5 trains more"
        )
    seeds = [n for r in results if isinstance(r, RecipeComparison) for n in (r.n_a, r.n_b)]
    if seeds:
        found.append(
            "recipes are compared over seeds, on these images: the interval is about training "
            "again, not about other images"
        )
    if seeds and min(seeds) == 1:
        found.append("a recipe with one seed is taken to vary as the other one does")
    elif seeds and min(seeds) < _FEW_SEEDS:
        found.append(
            f"with fewer than {_FEW_SEEDS} seeds the spread itself is a rough guess; the t "
            "interval allows for that if accuracies are about normally distributed"
        )
    return found


def _of_intervals(results: Sequence[Result]) -> list[str]:
    found = []
    if len(results) > 1:
        found.append(
            f"{len(results)} pairs: verdicts go by the p-values after Holm, which allow for "
            "their number; the intervals are of each pair alone"
        )
    if any(result.method == "score" for result in results):
        found.append(
            "where only a few images are right in one run alone, the interval is the score "
            "interval: the bootstrap's would have no width where there is none"
        )
    return found


def _of_test(runs: Sequence[Run]) -> list[str]:
    opened = ", ".join(f"{run.name} {len(run.ledger)}" for run in runs)
    return [
        f"test was opened so many times: {opened}; comparing opens nothing, but what is chosen "
        "by it is chosen on test"
    ]
