"""Runs of one recipe, trained with several seeds, against those of another."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from cnnlab.evaluation.evaluate import SplitName
from cnnlab.metrics import (
    Interval,
    MeanDifference,
    SeedSummary,
    improvement_probability,
    paired_difference,
    pooled_difference,
    seeds_needed,
    summarize,
    welch_difference,
)
from cnnlab.runs import Predictions, Run

__all__ = ["Recipe", "RecipeComparison", "compare_recipes", "recipes_of"]

#: How the names of such runs mostly end.
_NUMBERED = re.compile(r"[-_.+]?(seed)?[-_.+]?\d+$")
#: Settings in which runs of one recipe may differ: by chance, or without moving a weight.
_FREE = ("name", "seed", "schema_version", "threads")


@dataclass(frozen=True, eq=False)
class Recipe:
    """Runs that differ in nothing but their seeds; often a single one.

    Attributes
    ----------
    repeats: for a single run whose seed a recipe here has already: which, and of which recipe.
    """

    label: str
    runs: list[Run]
    repeats: str | None = None

    @property
    def seeds(self) -> list[tuple[int, int]]:
        """Of each run: its seed, and that of its split."""
        return [_seeds(run) for run in self.runs]

    def accuracies(self, split: SplitName) -> dict[tuple[int, int], float]:
        """Top-1 by seeds, of the runs that have predictions."""
        return {seeds: _accuracy(saved) for seeds, saved in self._judged(split).items()}

    def summary(self, split: SplitName) -> SeedSummary | None:
        """Mean, spread and interval over seeds; None where nothing was evaluated."""
        judged = self._judged(split).values()
        values = [_accuracy(saved) for saved in judged]
        images = min((len(saved.labels) for saved in judged), default=None)
        return summarize(values, images=images) if values else None

    def _judged(self, split: SplitName) -> dict[tuple[int, int], Predictions]:
        found = ((_seeds(run), run.predictions(split)) for run in self.runs)
        return {seeds: saved for seeds, saved in found if saved is not None}


def _seeds(run: Run) -> tuple[int, int]:
    settings = run.settings
    return int(settings["seed"]), int(settings["data"]["split_seed"])


def _accuracy(saved: Predictions) -> float:
    return float((saved.classes == saved.labels).mean())


def recipes_of(runs: Sequence[Run], labels: Sequence[str]) -> list[Recipe]:
    """Bring runs together that differ in their seeds alone, in the order of the first of each.

    Runs of the same configuration and the same seed are one training done twice, not two: the
    first of them is taken in, the others stay single. ``labels`` are what single runs are called.
    """
    together: dict[str, list[int]] = {}
    for index, run in enumerate(runs):
        together.setdefault(_recipe_key(run), []).append(index)
    found: list[tuple[Recipe, str]] = []
    for indices in together.values():
        first_of = {_seeds(runs[index]): index for index in reversed(indices)}
        kept = sorted(first_of.values())
        if len(kept) == 1:
            found += [(Recipe(labels[index], [runs[index]]), labels[index]) for index in indices]
            continue
        members = [runs[index] for index in kept]
        recipe = Recipe(_label(members), members)
        found.append((recipe, labels[kept[0]]))
        for index in (index for index in indices if index not in kept):
            whose = f"seed {runs[index].settings['seed']} of {recipe.label}"
            found.append((Recipe(labels[index], [runs[index]], whose), labels[index]))
    return _told_apart(found)


def _told_apart(found: Sequence[tuple[Recipe, str]]) -> list[Recipe]:
    """Recipes of one label are called after their first run, too."""
    times = Counter(recipe.label for recipe, _ in found)
    return [
        recipe
        if times[recipe.label] == 1
        else replace(recipe, label=f"{recipe.label} ({first} ...)")
        for recipe, first in found
    ]


def _recipe_key(run: Run) -> str:
    """What runs of one recipe have the same."""
    settings = {key: value for key, value in run.settings.items() if key not in _FREE}
    data = {key: value for key, value in settings["data"].items() if key != "split_seed"}
    training = {
        key: value
        for key, value in settings["training"].items()
        if key != "checkpoint_every_seconds"
    }
    kept = {**settings, "data": data, "training": training}
    return json.dumps([kept, run.split["dataset"]["fingerprint"]], sort_keys=True, default=str)


def _label(runs: Sequence[Run]) -> str:
    """The group's name, or what the runs' names begin with."""
    groups = {str((run.group or {}).get("name", "")) for run in runs}
    if len(groups) == 1 and "" not in groups:
        return groups.pop()
    stems = {_NUMBERED.sub("", run.name) for run in runs}
    return stems.pop() if len(stems) == 1 and "" not in stems else f"{runs[0].name} and others"


@dataclass(frozen=True)
class RecipeComparison:
    """Two recipes over seeds, on the same images.

    Attributes
    ----------
    test: the difference of the means (a minus b) with its error; ``test.method`` names the t.
    n_a, n_b: trainings. n: images on which each was judged.
    improvement: the chance that a training of a beats one of b, and its 95% interval.
    """

    test: MeanDifference
    n_a: int
    n_b: int
    n: int
    improvement: tuple[float, Interval]

    @property
    def difference(self) -> float:
        """Mean of a minus mean of b."""
        return self.test.value

    @property
    def interval(self) -> Interval:
        """95% t interval of the difference."""
        return self.test.interval()

    @property
    def p_value(self) -> float:
        """Two-sided."""
        return self.test.p_value

    @property
    def method(self) -> str:
        """Which t."""
        return self.test.method

    def equivalence_interval(self) -> Interval:
        """The 90% interval: inside ±margin it is equivalence (two one-sided tests)."""
        return self.test.interval(0.90)

    def equivalence_p(self, margin: float) -> float:
        """Of a difference of ``margin`` (a share) or more."""
        return self.test.equivalence_p(margin)

    def needed(self, level: float) -> int | None:
        """Trainings a side at which such a difference would be found four times in five.

        None where no number shows it.
        """
        paired = self.method == "paired t"
        return seeds_needed(self.difference, self.test.deviation, paired=paired, level=level)

    def to_dict(self) -> dict[str, Any]:
        """What ``--json`` has of it beside what every pair has."""
        share, interval = self.improvement
        return {
            "seeds_a": self.n_a,
            "seeds_b": self.n_b,
            "probability_of_improvement": share,
            "probability_interval": list(interval),
        }


def compare_recipes(a: Recipe, b: Recipe, split: SplitName) -> RecipeComparison | str:
    """Compare two recipes, of which one at least has two trainings, or say why that cannot be.

    Paired where both have the same seeds on the same splits; else by Welch's t, all on the same
    images; by Student's pooled t where one of them was trained once.
    """
    left, right = a.accuracies(split), b.accuracies(split)
    for recipe, found in ((a, left), (b, right)):
        if not found:
            return f"{a.label} and {b.label}: {recipe.label} has no {split} predictions"
    if len(left) + len(right) < 3:
        return f"{a.label} and {b.label}: one evaluated training each tells no recipes apart"
    paired = set(left) == set(right)
    images = _images(a, split), _images(b, split)
    same = images[0] == images[1] if paired else len({*images[0].values(), *images[1].values()}) < 2
    if not same:
        return f"{a.label} and {b.label}: judged on different images, so not comparable"
    first = [left[seeds] for seeds in sorted(left)]
    second = [right[seeds] for seeds in sorted(right)]
    n = next(iter(images[0].values()))[0]
    if paired:
        test = paired_difference(first, second, images=n)
    else:
        once = min(len(first), len(second)) == 1
        test = (pooled_difference if once else welch_difference)(first, second, images=n)
    return RecipeComparison(
        test=test,
        n_a=len(first),
        n_b=len(second),
        n=n,
        improvement=improvement_probability(first, second),
    )


def _images(recipe: Recipe, split: SplitName) -> dict[tuple[int, int], tuple[int, int, str]]:
    """Which images each training was judged on: their number, a digest, the data's fingerprint."""
    found = {}
    for run in recipe.runs:
        saved = run.predictions(split)
        if saved is not None:
            rows = np.ascontiguousarray(saved.indices)
            digest = hash(rows.tobytes())
            found[_seeds(run)] = (len(rows), digest, str(run.split["dataset"]["fingerprint"]))
    return found
