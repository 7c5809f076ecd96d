"""The comparison as a whole: rows, recipes, pairs, and what has to be said beside them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from cnnlab.errors import InputError, RunError
from cnnlab.evaluation.compare.notes import notes_of
from cnnlab.evaluation.compare.recipes import Recipe, RecipeComparison, compare_recipes, recipes_of
from cnnlab.evaluation.compare.rows import Row, rows_text, table_row
from cnnlab.evaluation.compare.runs import Disagreement, disagreement_of, validated_alike
from cnnlab.evaluation.compare.verdicts import (
    Adjusted,
    Result,
    adjusted_for,
    needed_for,
    verdict_of,
)
from cnnlab.evaluation.evaluate import SplitName
from cnnlab.metrics import PairedComparison, SeedSummary
from cnnlab.runs import AnyRun, Run, as_runs, command_line
from cnnlab.tables import ShownAsText, text_table

__all__ = ["Comparison", "Pair", "compare"]


@dataclass(frozen=True)
class Pair:
    """Two runs, or two recipes over their seeds, on the same images.

    Attributes
    ----------
    adjusted: p-values and level, adjusted by Holm's method for the number of pairs.
    disagreement: which images only one of two runs gets right; None for recipes.
    """

    a: str
    b: str
    result: Result
    adjusted: Adjusted
    verdict: str
    disagreement: Disagreement | None

    @property
    def p_holm(self) -> float:
        """The p-value of no difference, adjusted."""
        return self.adjusted.p_value

    def to_dict(self) -> dict[str, Any]:
        """What ``--json`` has of it."""
        result, needed = self.result, needed_for(self.result, self.adjusted.level)
        record: dict[str, Any] = {
            "a": self.a,
            "b": self.b,
            "difference": result.difference,
            "interval": list(result.interval),
            "p_value": result.p_value,
            "p_holm": self.p_holm,
            "method": result.method,
            "equivalence_interval": list(result.equivalence_interval()),
            "n": result.n,
            "verdict": self.verdict,
        }
        if isinstance(result, RecipeComparison):
            return record | {"of": "recipes"} | result.to_dict() | {"seeds_needed": needed}
        found = self.disagreement
        return record | {
            "of": "runs",
            "only_a_right": result.only_a,
            "only_b_right": result.only_b,
            "images_needed": needed,
            "disagreement": found.to_dict() if found else None,
        }


@dataclass(frozen=True, eq=False)
class Comparison(ShownAsText):
    """The table, a verdict for each pair that can be compared, and why the others cannot.

    Attributes
    ----------
    recipes: what runs that differ in their seeds alone have in common, and their summary.
    notes: what has to be known to read the verdicts.
    """

    split: SplitName
    rows: list[Row]
    recipes: list[tuple[Recipe, SeedSummary | None]]
    pairs: list[Pair]
    not_compared: list[str]
    notes: list[str]

    def to_text(self) -> str:
        """What ``cnnlab compare`` prints: the tables, then what can be said of each pair."""
        parts = [rows_text(self.rows, on_test=self.split == "test")]
        several = [found for found in self.recipes if len(found[0].runs) > 1]
        if several:
            parts.append(_recipes_text(self.recipes, self.split))
        said = [f"{row.run} is {row.status}" for row in self.rows if row.status != "finished"]
        said += [pair.verdict for pair in self.pairs] + self.not_compared
        parts.append("\n".join(said))
        if len(self.pairs) == 1 and self.pairs[0].disagreement is not None:
            pair = self.pairs[0]
            parts.append(self.pairs[0].disagreement.to_text(pair.a, pair.b))
        parts.append("\n".join(f"note: {note}" for note in self.notes))
        return "\n\n".join(part for part in parts if part)

    def to_dict(self) -> dict[str, Any]:
        """What ``cnnlab compare --json`` prints."""
        return {
            "split": self.split,
            "runs": [asdict(row) for row in self.rows],
            "recipes": [_recipe_record(recipe, found) for recipe, found in self.recipes],
            "pairs": [pair.to_dict() for pair in self.pairs],
            "not_compared": self.not_compared,
            "notes": self.notes,
        }


def _recipes_text(recipes: Sequence[tuple[Recipe, SeedSummary | None]], split: str) -> str:
    rows = [
        (
            recipe.label,
            found.n if found else 0,
            found.mean if found else None,
            found.deviation if found else None,
            "{:.4f} to {:.4f}".format(*found.interval) if found and found.interval else None,
        )
        for recipe, found in recipes
    ]
    header = ["recipe", "seeds", f"{split}, mean", "standard deviation", "95% interval of the mean"]
    return text_table(header, rows)


def _recipe_record(recipe: Recipe, found: SeedSummary | None) -> dict[str, Any]:
    interval = found.interval if found else None
    return {
        "recipe": recipe.label,
        "runs": [str(run.path) for run in recipe.runs],
        "seeds": [seed for seed, _ in recipe.seeds],
        "n": found.n if found else 0,
        "mean": found.mean if found else None,
        "sd": found.deviation if found else None,
        "interval": None if interval is None else list(interval),
    }


def _labels(runs: Sequence[Run]) -> list[str]:
    """What to call the runs: their names, or their paths where names are the same."""
    names = Counter(run.name for run in runs)
    return [run.name if names[run.name] == 1 else str(run.path) for run in runs]


def _run_result(a: Recipe, b: Recipe, split: SplitName) -> PairedComparison | str:
    """Compare two single runs, or say why that cannot be done."""
    result = validated_alike(a.runs[0], b.runs[0], split)
    if result is not None:
        return result
    for recipe in (a, b):
        if recipe.runs[0].predictions(split) is None:
            return f"{a.label} and {b.label}: {recipe.label} has no {split} predictions"
    judged = "validated" if split == "validation" else "tested"
    return f"{a.label} and {b.label}: {judged} on different images, so not comparable"


def _compared(a: Recipe, b: Recipe, split: SplitName) -> Result | str:
    single = len(a.runs) == len(b.runs) == 1
    return _run_result(a, b, split) if single else compare_recipes(a, b, split)


def compare(
    runs: Sequence[AnyRun], split: SplitName = "validation", *, margin: float | None = None
) -> Comparison:
    """Compare two or more runs on their saved predictions; each counts once.

    Runs that differ in their seeds alone are one recipe, and recipes are compared over seeds;
    where there is but one recipe, its runs are compared one by one. A training that was done
    twice counts once. ``margin`` (a share of 1) is what counts as equivalent. Nothing is opened:
    with ``split`` "test", :class:`RunError` where a run was never tested.
    """
    chosen = list({run.path.resolve(): run for run in as_runs(runs)}.values())
    if len(chosen) < 2:
        raise RunError("one run cannot be compared", expected="two or more different ones")
    if margin is not None and not 0 < margin < 1:
        raise InputError(
            f"{100 * margin:g}", where="margin", expected="points, above 0 and below 100"
        )
    _check_tested(chosen, split)
    labels = _labels(chosen)
    recipes = recipes_of(chosen, labels)
    sides = _sides(recipes, dict(zip((run.path for run in chosen), labels, strict=True)))
    outcomes = [(a, b, _compared(a, b, split)) for a, b in combinations(sides, 2)]
    pairs = _pairs(outcomes, split, margin)
    recipe_of = {run.path: recipe.label for recipe in recipes for run in recipe.runs}
    return Comparison(
        split=split,
        rows=[
            table_row(run, recipe_of[run.path], label=label, on_test=split == "test")
            for run, label in zip(chosen, labels, strict=True)
        ],
        recipes=[(recipe, recipe.summary(split)) for recipe in recipes],
        pairs=pairs,
        not_compared=[
            *(outcome for _, _, outcome in outcomes if isinstance(outcome, str)),
            *(
                f"{recipe.label}: it repeats {recipe.repeats}, and counts once"
                for recipe in recipes
                if recipe.repeats is not None
            ),
        ],
        notes=notes_of(
            chosen,
            [one for one in recipes if one.repeats is None],
            [pair.result for pair in pairs],
            split,
        ),
    )


def _sides(recipes: Sequence[Recipe], labels: Mapping[Path, str]) -> list[Recipe]:
    """What is compared with each other: recipes, or the runs of the only one."""
    sides = [recipe for recipe in recipes if recipe.repeats is None]
    if len(sides) == 1:
        return [Recipe(labels[run.path], [run]) for run in sides[0].runs]
    return sides


def _check_tested(runs: Sequence[Run], split: SplitName) -> None:
    for run in runs:
        if split == "test" and run.predictions("test") is None:
            raise RunError(
                "its test images have not been opened",
                where=run.path,
                todo="compare on validation, or open them: "
                + command_line("evaluate", run.path, "--split", "test"),
            )


def _pairs(
    outcomes: Sequence[tuple[Recipe, Recipe, Result | str]],
    split: SplitName,
    margin: float | None,
) -> list[Pair]:
    """The pairs that were compared, with p-values adjusted for their number."""
    found = [(a, b, result) for a, b, result in outcomes if not isinstance(result, str)]
    return [
        Pair(
            a.label,
            b.label,
            result,
            adjusted,
            verdict_of(a.label, b.label, result, adjusted),
            disagreement_of(a.runs[0], b.runs[0], split)
            if isinstance(result, PairedComparison)
            else None,
        )
        for (a, b, result), adjusted in zip(
            found, adjusted_for([result for _, _, result in found], margin), strict=True
        )
    ]
